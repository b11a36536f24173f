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
    private let child = Process()
    private let errors = Pipe()

    static let vireo: String = {
        let own = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
        return URL(filePath: own).deletingLastPathComponent().path + "/vireo"
    }()

    init(_ engine: String, _ fault: Fault) throws {
        let pattern = "/tmp/vireo-torture-" + String(repeating: "X", count: 6)
        var name = Array(pattern.utf8CString)
        folder = String(cString: mkdtemp(&name))
        path = folder + "/s"
        child.executableURL = URL(filePath: "/usr/bin/setpriv")
        child.arguments = [
            // strace watches from outside, so that signals and ids are those of the program.
            "--pdeathsig", "KILL", "strace", "--daemonize", "-qq", "-f", "-o", folder + "/trace",
            "-e", "trace=\(fault.call)", "-e",
            "inject=\(fault.call):error=\(fault.error):when=\(fault.number)", Self.vireo, "bench",
            "echo", "--listen", path, "--engine", engine,
        ]
        child.standardError = errors
        child.standardInput = FileHandle.nullDevice
        try child.run()
    }

    deinit {
        if child.isRunning { kill(child.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    var isRunning: Bool { child.isRunning }

    /// Whether the fault happened: else there was no such call any more.
    var wasInjected: Bool {
        let text = (try? String(contentsOfFile: folder + "/trace", encoding: .utf8)) ?? ""
        return text.contains("(INJECTED)")
    }

    /// Open descriptors. The program's own id is the child's: it was executed in place.
    var descriptorCount: Int? {
        let folder = "/proc/\(child.processIdentifier)/fd"
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
            if !child.isRunning { return nil }
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
        for _ in 0..<3 {
            guard child.isRunning else { break }
            kill(child.processIdentifier, SIGTERM)
            // The call that brings the signal may be the one that fails: a person asks again, too.
            for _ in 0..<200 where child.isRunning { usleep(10_000) }
        }
        if child.isRunning {
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
            return End(status: 0, isSignal: true, text: "it did not end")
        }
        let data = errors.fileHandleForReading.availableData
        return End(
            status: child.terminationStatus, isSignal: child.terminationReason != .exit,
            text: String(decoding: data, as: UTF8.self))
    }
}
