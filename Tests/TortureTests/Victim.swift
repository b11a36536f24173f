import CLinux
import Foundation
import Glibc

/// `vireo bench echo` with one system call of its failing once, by way of strace(1).
final class Victim {
    struct Fault: CustomStringConvertible, Sendable {
        let call: String
        let error: String
        /// Which call of it fails, from 1 on.
        let number: Int
        var description: String { "\(call) \(number) fails with \(error)" }
    }

    let path: String
    private let folder: String
    private let pid: Int32
    /// waitpid(2)'s status, once it has ended.
    private var status: Int32?

    static let vireo: String = {
        let own = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
        return URL(filePath: own).deletingLastPathComponent().path + "/vireo"
    }()

    init(_ engine: String, _ fault: Fault) throws {
        let pattern = "/tmp/vireo-torture-" + String(repeating: "X", count: 6)
        var name = Array(pattern.utf8CString)
        folder = String(cString: mkdtemp(&name))
        path = folder + "/s"
        let command = [
            // strace watches from outside, so that signals and ids are those of the program.
            "/usr/bin/setpriv", "--pdeathsig", "KILL", "strace", "--daemonize", "-qq", "-f", "-o",
            folder + "/trace", "-e", "trace=\(fault.call)", "-e",
            "inject=\(fault.call):error=\(fault.error):when=\(fault.number)", Self.vireo, "bench",
            "echo", "--listen", path, "--engine", engine,
        ]
        pid = try Self.spawn(command, errorPath: folder + "/errors")
    }

    /// Not by Foundation's Process, which does not see the end of a child that strace watches.
    private static func spawn(_ command: [String], errorPath: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions, STDERR_FILENO, errorPath, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: Int32 = 0
        let result = posix_spawn(&pid, command[0], &actions, &attributes, &arguments, environ)
        guard result == 0 else { throw Failure(number: result) }
        return pid
    }

    struct Failure: Error { let number: Int32 }

    deinit {
        if isRunning {
            kill(pid, SIGKILL)
            var ignored: Int32 = 0
            waitpid(pid, &ignored, 0)
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var isRunning: Bool {
        var now: Int32 = 0
        if status == nil, waitpid(pid, &now, WNOHANG) == pid { status = now }
        return status == nil
    }

    /// Whether the fault happened: else there was no such call any more.
    var wasInjected: Bool {
        let text = (try? String(contentsOfFile: folder + "/trace", encoding: .utf8)) ?? ""
        return text.contains("(INJECTED)")
    }

    /// Open descriptors. The program's own id is the child's: it was executed in place.
    var descriptorCount: Int? {
        let folder = "/proc/\(pid)/fd"
        return try? FileManager.default.contentsOfDirectory(atPath: folder).count
    }

    /// Connects as soon as somebody listens; `nil` when the program ended first, or never does.
    func connect() -> Int32? {
        for _ in 0..<500 {
            let number = clinux_unix_connect(path)
            if number >= 0 {
                _ = fcntl(number, F_SETFL, 0)
                var patience = timeval(tv_sec: 5, tv_usec: 0)
                let size = socklen_t(MemoryLayout<timeval>.size)
                setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
                setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, size)
                return number
            }
            if !isRunning { return nil }
            usleep(10_000)
        }
        return nil
    }

    struct End: CustomStringConvertible {
        let status: Int32
        let isSignal: Bool
        let text: String
        var description: String { "\(isSignal ? "signal" : "status") \(status): \(text)" }
    }

    /// Asks it to end, and waits for that.
    func end() -> End {
        for _ in 0..<3 where isRunning {
            kill(pid, SIGTERM)
            // The call that brings the signal may be the one that fails: a person asks again, too.
            for _ in 0..<200 where isRunning { usleep(10_000) }
        }
        guard let status else { return End(status: 0, isSignal: true, text: "it did not end") }
        let text = (try? String(contentsOfFile: folder + "/errors", encoding: .utf8)) ?? ""
        let signal = status & 0x7f
        return End(
            status: signal != 0 ? signal : status >> 8 & 0xff, isSignal: signal != 0, text: text)
    }
}
