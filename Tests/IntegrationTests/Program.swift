import CLinux
import Foundation
import Glibc

/// A child: started, watched, and ended by its id.
///
/// Standard error goes to a file, so that a child never waits for somebody to read it.
final class Program {
    enum Ending: Equatable {
        case exited(Int32)
        case killed(Int32)
    }

    /// Where standard output goes.
    enum Output {
        /// A pipe, which is read while its end is waited for.
        case pipe
        /// A terminal of that many columns and rows.
        case terminal(columns: UInt16, rows: UInt16)
    }

    let pid: Int32
    let name: String
    private let errorPath: String
    private var outputNumber: Int32
    private var output: [UInt8] = []
    private var ending: Ending?

    /// - Parameters:
    ///   - command: the path or name of a program and its arguments.
    ///   - environment: beside PATH and LD_LIBRARY_PATH, which are passed on.
    ///   - standardInput: a descriptor for it; /dev/null otherwise.
    init(
        _ command: [String], environment: [String: String], standardInput: Int32?, output: Output,
        errorPath: String
    ) throws {
        name =
            command.first { $0.hasPrefix(Products.folder) }
            .map { URL(filePath: $0).lastPathComponent } ?? command[0]
        self.errorPath = errorPath
        let (ours, its) = try Self.open(output)
        defer { close(its) }
        outputNumber = ours
        // The child dies with the thread that runs its test, whatever ends that: none is left
        // behind.
        let whole = ["/usr/bin/setpriv", "--pdeathsig", "KILL"] + command
        do {
            pid = try Self.spawn(
                whole, Self.whole(environment), input: standardInput, output: its, errorPath)
        } catch {
            close(ours)
            throw error
        }
    }

    deinit {
        kill()
        if outputNumber >= 0 { close(outputNumber) }
    }

    private static func whole(_ environment: [String: String]) -> [String] {
        let own = ProcessInfo.processInfo.environment
        let passed = ["PATH", "LD_LIBRARY_PATH"].compactMap { key in own[key].map { (key, $0) } }
        return Dictionary(passed) { $1 }.merging(environment) { $1 }.map { "\($0)=\($1)" }
    }

    /// - Returns: the end to read from, which never blocks, and the child's.
    private static func open(_ output: Output) throws -> (Int32, Int32) {
        switch output {
        case .pipe:
            var ends: [Int32] = [0, 0]
            guard clinux_pipe(&ends) == 0 else { throw Failure("pipe") }
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            return (ends[0], ends[1])
        case .terminal(let columns, let rows):
            return try openTerminal(columns, rows)
        }
    }

    /// Source: pts(4), ioctl_tty(2).
    private static func openTerminal(_ columns: UInt16, _ rows: UInt16) throws -> (Int32, Int32) {
        let flags = O_RDWR | O_NOCTTY | O_CLOEXEC
        let ours = Glibc.open("/dev/ptmx", flags | O_NONBLOCK)
        guard ours >= 0 else { throw Failure("opening /dev/ptmx") }
        var locked: Int32 = 0
        var number: Int32 = 0
        // TIOCSPTLCK and TIOCGPTN, macros that Swift cannot read.
        guard ioctl(ours, 0x4004_5431, &locked) == 0, ioctl(ours, 0x8004_5430, &number) == 0
        else { throw Failure("ioctl on /dev/ptmx") }
        let its = Glibc.open("/dev/pts/\(number)", flags)
        guard its >= 0 else { throw Failure("opening /dev/pts/\(number)") }
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(its, UInt(TIOCSWINSZ), &size)
        return (ours, its)
    }

    private static func spawn(
        _ command: [String], _ environment: [String], input: Int32?, output: Int32,
        _ errorPath: String
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        // The tests of the engine ignore SIGPIPE in this process, and that is inherited.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = command.map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid = pid_t()
        errno = posix_spawnp(&pid, command[0], &actions, &attributes, &arguments, &variables)
        guard errno == 0 else { throw Failure("starting \(command[0])") }
        return pid
    }

    // MARK: The end

    func signal(_ number: Int32) {
        if ended() == nil { Glibc.kill(pid, number) }
    }

    /// Kills and reaps it, if it still runs.
    func kill() {
        guard ended() == nil else { return }
        Glibc.kill(pid, SIGKILL)
        // A killed process ends, unless the kernel holds it; then a test must not hang too.
        try? waitUntil("the end of \(name)") { ended() != nil }
    }

    /// How it ended, if it has.
    func ended() -> Ending? {
        if ending != nil { return ending }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        ending = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal)
        return ending
    }

    /// Waits for the end and reads the output meanwhile.
    @discardableResult
    func waitForEnd(seconds: Double = patienceSeconds) throws -> Ending {
        try waitUntil("the end of \(name), which said: \(errorText)", seconds: seconds) {
            readOutput()
            return ended() != nil
        }
        readOutput()
        return ending!
    }

    // MARK: What it says

    /// What came on standard output so far.
    var outputBytes: [UInt8] {
        readOutput()
        return output
    }

    var outputText: String { String(decoding: outputBytes, as: UTF8.self) }
    var outputLines: [String] { lines(outputText) }

    /// What came on standard error so far.
    var errorText: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }
    var errorLines: [String] { lines(errorText) }

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init)
    }

    /// Reads no more: a write to the pipe fails from here on.
    func closeOutput() {
        close(outputNumber)
        outputNumber = -1
    }

    private func readOutput() {
        guard outputNumber >= 0 else { return }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(outputNumber, &chunk, chunk.count), count > 0 {
            output += chunk[..<count]
        }
    }
}
