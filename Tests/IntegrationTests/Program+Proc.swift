import Foundation
import Glibc

/// What /proc says of a program. Source: proc(5).
extension Program {
    /// A number of /proc/PID/status, such as `VmRSS` in kB.
    func statusNumber(_ name: String) throws -> Int {
        try Self.statusNumber(name, of: "/proc/\(pid)/status")
    }

    private static func statusNumber(_ name: String, of path: String) throws -> Int {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for line in text.split(separator: "\n") where line.hasPrefix("\(name):") {
            let fields = line.split(whereSeparator: { " \t".contains($0) })
            if fields.count > 1, let number = Int(fields[1]) { return number }
        }
        throw TimedOut(description: "\(path) has no \(name)")
    }

    /// Whether SIGSTOP holds it.
    func isStopped() throws -> Bool {
        guard let fields = Self.stat(pid) else { throw TimedOut(description: "\(name) is gone") }
        return fields[0] == "T"
    }

    /// How often its threads have waited, in all.
    func voluntarySwitches() throws -> Int {
        let tasks = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).reduce(0) { sum, task in
            sum + (try Self.statusNumber("voluntary_ctxt_switches", of: "\(tasks)/\(task)/status"))
        }
    }

    /// Where its descriptors lead.
    func descriptors() -> [String] {
        descriptorNumbers().compactMap { target("/proc/\(pid)/fd/\($0)") }
    }

    /// Registered buffers of its io_uring, in bytes each; `nil` when it has no io_uring.
    func registeredBuffers() -> [Int]? {
        for number in descriptorNumbers()
        where target("/proc/\(pid)/fd/\(number)") == "anon_inode:[io_uring]" {
            let path = "/proc/\(pid)/fdinfo/\(number)"
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
            // "    0: 0x7fdff7a00000/2097152", and "<none>" for an empty place.
            let buffers = text.components(separatedBy: "UserBufs:").last ?? ""
            return buffers.split(separator: "\n").compactMap { line in
                let halves = line.split(separator: "/")
                guard halves.count == 2, halves[0].contains(": 0x") else { return nil }
                return Int(halves[1])
            }
        }
        return nil
    }

    /// The processes whose parent it is.
    func children() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .filter { Self.stat($0).flatMap { Int32($0[1]) } == pid }
    }

    /// Page faults of the children that it had and waited for: not 0 once there was one.
    func childrenPageFaults() throws -> Int {
        guard let fields = Self.stat(pid), let faults = Int(fields[8]) else {
            throw TimedOut(description: "\(name) is gone")
        }
        return faults
    }

    /// The fields of /proc/PID/stat from the third, the state, on.
    fileprivate static func stat(_ pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: name)...].split(separator: " ")
    }

    private func descriptorNumbers() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []
    }

    private func target(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }
}

/// Whether there is such a process, other than as a zombie that nobody has waited for.
func isRunning(_ pid: Int32) -> Bool {
    guard let fields = Program.stat(pid) else { return false }
    return fields[0] != "Z" && fields[0] != "X"
}
