import CLinux
import Glibc

/// One process as /proc/PID/stat shows it. Source: proc(5).
public struct ProcessEntry: Hashable, Sendable {
    public var pid: Int32
    public var parent: Int32
    public var group: Int32
    public var isZombie: Bool
}

/// All processes and who started whom, at one moment.
public struct ProcessTree: Sendable {
    public let processes: [ProcessEntry]

    /// Reads /proc. Processes that end meanwhile are left out.
    public static func read() -> ProcessTree {
        var reader = FileReader(bytesMax: 65_536)
        let names = (try? directoryNames("/proc")) ?? []
        let entries = names.compactMap { name -> ProcessEntry? in
            guard let pid = Int32(name) else { return nil }
            guard let stat = try? reader.read("/proc/\(pid)/stat") else { return nil }
            return ProcessEntry(pid: pid, stat: stat.repairedText)
        }
        return ProcessTree(processes: entries)
    }

    /// Every process that descends from one of `roots`, and these themselves.
    public func family(of roots: Set<Int32>) -> [ProcessEntry] {
        var children: [Int32: [ProcessEntry]] = [:]
        for process in processes { children[process.parent, default: []].append(process) }
        var found = processes.filter { roots.contains($0.pid) }
        var seen = Set(found.map(\.pid))
        var place = 0
        while place < found.count {
            for child in children[found[place].pid, default: []]
            where seen.insert(child.pid).inserted {
                found.append(child)
            }
            place += 1
        }
        return found
    }

    /// Whether the process was started with exactly this `NAME=value`. False when it cannot be
    /// read.
    public static func process(_ pid: Int32, hasVariable variable: String) -> Bool {
        var reader = FileReader(bytesMax: 1 << 20)
        guard let bytes = try? reader.read("/proc/\(pid)/environ") else { return false }
        return bytes.repairedText.utf8.split(separator: 0).contains {
            $0.elementsEqual(variable.utf8)
        }
    }

    /// kill(2). One that is gone already is no error.
    public static func signal(_ pid: Int32, _ number: Int32) {
        _ = clinux_signal_process(pid, number)
    }

    /// Takes the remains of a child that this process adopted. waitpid(2).
    public static func reapAdopted(_ pid: Int32) {
        _ = clinux_reap_adopted(pid)
    }

    /// From now on, whoever loses its parent below this process becomes its child.
    ///
    /// - Throws: what prctl(2) says.
    public static func becomeSubreaper() throws(Errno) {
        guard clinux_become_subreaper() == 0 else { throw .current }
    }

    public static var ownPid: Int32 { getpid() }
    /// The process group that this process and the helpers that it starts are in.
    public static var ownGroup: Int32 { getpgrp() }
}

extension ProcessEntry {
    /// The name, in parentheses, may hold anything: the fields begin behind the last of them.
    init?(pid: Int32, stat: String) {
        guard let end = stat.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ", maxSplits: 4)
        guard fields.count >= 3, let parent = Int32(fields[1]), let group = Int32(fields[2]) else {
            return nil
        }
        self.init(pid: pid, parent: parent, group: group, isZombie: fields[0] == "Z")
    }
}
