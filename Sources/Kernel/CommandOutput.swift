import CLinux
import Glibc

/// What a short program prints, and how it ends.
public struct CommandOutput: Sendable {
    /// Its exit code, or 128 and the signal's number.
    public let exitCode: Int32
    /// Standard output, with U+FFFD where it is not UTF-8.
    public let text: String

    /// Runs a program that PATH finds, and waits for its end. It reads nothing, and what it says on
    /// standard error is dropped.
    ///
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - milliseconds: it is killed when it takes longer.
    ///   - bytesMax: what it prints beyond that is dropped.
    /// - Throws: ENOENT when there is no such program, ETIME when it took too long, and what
    ///   posix_spawnp(3) says.
    public static func of(
        _ command: [String], milliseconds: Int32 = 5000, bytesMax: Int = 65_536
    ) throws(Errno) -> CommandOutput {
        var ends: [Int32] = [-1, -1]
        // SAFETY: two numbers are written into an array of two.
        let result = unsafe ends.withUnsafeMutableBufferPointer { buffer in
            unsafe clinux_pipe(buffer.baseAddress!)
        }
        guard result == 0 else { throw .current }
        let reading = FileDescriptor(owning: ends[0])
        let pid: pid_t
        do {
            let writing = FileDescriptor(owning: ends[1])
            pid = try spawn(command, output: writing.number)
        }
        var output: [UInt8] = []
        let isEnded = read(
            reading, into: &output,
            until: MonotonicTime.now.adding(milliseconds: UInt64(milliseconds)),
            bytesMax: bytesMax)
        // It closed its output, or it is over its time.
        if !isEnded { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, Errno.current == .interrupted {}
        guard isEnded else { throw .timedOut }
        let signal = status & 0x7f
        return CommandOutput(
            exitCode: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
            text: String(decoding: output, as: UTF8.self))
    }

    /// Whether the end of the output was reached in time.
    private static func read(
        _ descriptor: borrowing FileDescriptor, into output: inout [UInt8],
        until limit: MonotonicTime, bytesMax: Int
    ) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = limit.nanoseconds(since: .now) / 1_000_000
            guard left > 0 else { return false }
            guard
                waitForEvents(of: descriptor.number, POLLIN, milliseconds: Int32(clamping: left))
                    != 0
            else { continue }
            let number = descriptor.number
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return true }
            if count < 0, Errno.current != .interrupted { return true }
            if count > 0 { output += chunk[..<min(count, max(0, bytesMax - output.count))] }
        }
    }

    private static func spawn(_ command: [String], output: Int32) throws(Errno) -> pid_t {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigaddset(&defaults, SIGPIPE)
        unsafe sigaddset(&defaults, SIGXFSZ)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // SAFETY: the copies live until the call has returned, and the array ends with nil.
        var vector = unsafe command.map { unsafe strdup($0) } + [nil]
        defer {
            for place in unsafe vector.indices { unsafe free(vector[place]) }
        }
        var pid = pid_t()
        let result = unsafe posix_spawnp(&pid, command[0], &actions, &attributes, &vector, environ)
        guard result == 0 else { throw Errno(rawValue: result) }
        return pid
    }
}
