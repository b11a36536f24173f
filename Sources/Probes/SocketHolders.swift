import Kernel

/// Which process holds which socket, found by looking at the descriptors of every process.
///
/// Source: proc(5), /proc/PID/fd. Only root sees those of other users.
struct SocketHolders {
    private let proc: String
    private var wanted: Set<UInt64>
    private var scanned = 0
    private(set) var holders: [UInt64: UInt32] = [:]
    /// Whether the search ended at its limit with sockets still without a holder.
    var wasCut: Bool { !wanted.isEmpty && scanned >= ProbeLimits.descriptorsScannedMax }

    init(_ proc: String, inodes: [UInt64]) {
        self.proc = proc
        wanted = Set(inodes)
    }

    /// Ends as soon as every socket has its holder: the lowest number of those that share it, which
    /// is the parent as a rule.
    mutating func find() throws(ProbeFailure) {
        for number in try processNumbers(proc) {
            if wanted.isEmpty { return }
            let directory = "\(proc)/\(number)/fd"
            guard let descriptors = try? directoryNames(directory) else { continue }
            for descriptor in descriptors {
                guard scanned < ProbeLimits.descriptorsScannedMax else { return }
                scanned += 1
                guard let target = linkTarget("\(directory)/\(descriptor)"),
                    let inode = socketInode(target)
                else { continue }
                if wanted.remove(inode) != nil { holders[inode] = number }
            }
        }
    }

    /// `socket:[1161]`.
    private func socketInode(_ target: String) -> UInt64? {
        guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
        return UInt64(target.dropFirst(8).dropLast())
    }
}
