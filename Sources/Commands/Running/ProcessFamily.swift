import Kernel

/// The processes of one command where no control group holds them together.
///
/// One counts as the command's when it descends from its leader, when it was seen to before, or
/// when it carries the command's variable; and only below this program, which adopts what loses
/// its parent.
struct ProcessFamily {
    static let variable = "VIREO_COMMAND"

    let leader: Int32
    /// `VIREO_COMMAND=MARK-KEY`, which the leader was started with.
    let marker: String
    /// Seen to descend from the leader, or killed.
    private var known: Set<Int32> = []

    init(leader: Int32, marker: String) {
        self.leader = leader
        self.marker = marker
    }

    /// Remembers who descends from the leader now: when it ends, nobody will know.
    mutating func note() {
        let tree = ProcessTree.read()
        for process in tree.family(of: [leader]) { known.insert(process.pid) }
    }

    /// Kills all that is there, and takes the remains of what was adopted.
    ///
    /// - Parameter leaders: of other commands, which are left alone.
    /// - Returns: how many were killed: 0 when none was left.
    mutating func kill(sparing leaders: Set<Int32>) -> Int {
        let tree = ProcessTree.read()
        let own = ProcessTree.ownPid
        let below = tree.family(of: [own]).filter { $0.pid != own }
        let roots = known.intersection(below.map(\.pid)).union([leader]).subtracting(leaders)
        let family = Set(tree.family(of: roots).map(\.pid))
        var killed = 0
        for process in below where !leaders.contains(process.pid) {
            if process.isZombie {
                let isAdopted = process.parent == own && process.pid != leader
                if isAdopted, known.contains(process.pid) { ProcessTree.reapAdopted(process.pid) }
                continue
            }
            guard
                family.contains(process.pid)
                    || ProcessTree.process(process.pid, hasVariable: marker)
            else { continue }
            known.insert(process.pid)
            ProcessTree.signal(process.pid, Signals.kill)
            killed += 1
        }
        return killed
    }
}
