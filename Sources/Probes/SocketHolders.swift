import Kernel

/// Which process holds which socket, found by looking at the descriptors of every process.
///
/// Looking at all of them costs more than all else in a sample, so it is done when a socket is
/// there that was not before, or when a descriptor is no longer what it was; else one link a socket
/// is read. A socket whose holder was not found is not looked for again until then. Source:
/// proc(5), /proc/PID/fd. Only root sees those of other users.
struct SocketHolders {
    private struct Holder {
        var pid: UInt32
        var path: String
    }

    private let proc: String
    /// What the last search knew of each socket, by its inode: `nil` where nobody was found.
    private var known: [UInt64: Holder?] = [:]
    /// Whether the last search ended at its limit with sockets still without a holder.
    private(set) var wasCut = false
    /// Searches of all processes so far.
    private(set) var searches = 0

    init(_ proc: String) {
        self.proc = proc
    }

    /// The process of each socket of `inodes` that one was found for.
    mutating func holders(of inodes: [UInt64]) throws(ProbeFailure) -> [UInt64: UInt32] {
        let isSame = inodes.allSatisfy { inode in
            guard let found = known[inode] else { return false }
            return holds(found, inode)
        }
        if !isSame {
            try search(for: Set(inodes))
        } else if known.count > Set(inodes).count {
            let wanted = Set(inodes)
            known = known.filter { wanted.contains($0.key) }
        }
        var all: [UInt64: UInt32] = [:]
        for inode in inodes {
            if let holder = known[inode] ?? nil { all[inode] = holder.pid }
        }
        return all
    }

    /// Whether every process that was found still has its socket, and none is still to be found.
    var isStillTrue: Bool { !wasCut && known.allSatisfy { holds($0.value, $0.key) } }

    private func holds(_ holder: Holder?, _ inode: UInt64) -> Bool {
        guard let holder else { return true }
        return linkTarget(holder.path).flatMap(socketInode) == inode
    }

    /// Ends as soon as every socket has its holder: the lowest number of those that share it, which
    /// is the parent as a rule.
    private mutating func search(for inodes: Set<UInt64>) throws(ProbeFailure) {
        known.removeAll(keepingCapacity: true)
        searches += 1
        wasCut = false
        var wanted = inodes
        var scanned = 0
        for number in try processNumbers(proc) where !wanted.isEmpty {
            let directory = "\(proc)/\(number)/fd"
            guard let descriptors = try? directoryNames(directory) else { continue }
            for descriptor in descriptors {
                guard scanned < ProbeLimits.descriptorsScannedMax else {
                    // Who was not found is looked for again.
                    wasCut = true
                    return
                }
                scanned += 1
                let path = "\(directory)/\(descriptor)"
                guard let target = linkTarget(path), let inode = socketInode(target),
                    wanted.remove(inode) != nil
                else { continue }
                known[inode] = Holder(pid: number, path: path)
            }
        }
        for inode in wanted { known[inode] = .some(nil) }
    }

    /// `socket:[1161]`.
    private func socketInode(_ target: String) -> UInt64? {
        guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
        return UInt64(target.dropFirst(8).dropLast())
    }
}
