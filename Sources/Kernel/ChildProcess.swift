import Glibc

/// A program that was started, to be ended and waited for by its id.
public struct ChildProcess: Sendable {
    public let pid: Int32

    /// Starts `path` with the caller's environment and standard descriptors.
    ///
    /// The signals of `unblocked` are not blocked in it, whatever the caller blocks. `inherited`
    /// is its descriptor 3.
    ///
    /// - Throws: what posix_spawn(3) says.
    public static func start(
        _ path: String, arguments: [String], unblocked: [Int32],
        inherited: borrowing FileDescriptor
    ) throws(Errno) -> ChildProcess {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // dup2 takes close-on-exec away, also from a descriptor that is 3 already.
        unsafe posix_spawn_file_actions_adddup2(&actions, inherited.number, 3)
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        for signal in unblocked + [SIGPIPE, SIGXFSZ] { unsafe sigaddset(&defaults, signal) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        // SAFETY: the copies live until the call has returned, and the array ends with nil.
        var vector = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        defer {
            for place in unsafe vector.indices { unsafe free(vector[place]) }
        }
        var pid = pid_t()
        let result = unsafe posix_spawn(&pid, path, &actions, &attributes, &vector, environ)
        guard result == 0 else { throw Errno(rawValue: result) }
        return ChildProcess(pid: pid)
    }

    /// kill(2). A process that is gone already is no error.
    public func signal(_ number: Int32) {
        kill(pid, number)
    }

    /// How it ended, if it has: its exit code, or 128 and the signal's number.
    public func ended() -> Int32? {
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}
