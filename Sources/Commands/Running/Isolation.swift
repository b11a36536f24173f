import Kernel
import Logging

/// How a command is kept together, so that it can be ended with everything that it started.
///
/// In a control group of its own nothing gets away: whatever descends from the command is in it,
/// and cgroup.kill ends all of it at once. The group is made below this program's own when the
/// service manager gave that away (`Delegate=yes`); this program then moves into a leaf, `server`,
/// since a group that has controllers for its children may hold no process itself.
///
/// Making a group and removing it costs the kernel as much as starting a process: one that is empty
/// when its command has ended is kept for the next one, which sets all its limits anew:
/// the one before may have had the rights to change them.
///
/// Without that this program becomes a subreaper: descendants that lose their parent become its
/// children instead of init's, and are found in /proc by who descends from whom and by a variable
/// that the command was given. What cleans its environment and forks twice before anybody looks is
/// not recognised until no command runs. The answer says which of the two it was.
///
/// Source: cgroup-v2.rst, "Delegation"; systemd's docs, CGROUP_DELEGATION; prctl(2).
public final class Isolation {
    public enum Kind: String, Hashable, Sendable {
        case cgroup
        case processGroup = "process_group"
    }

    /// What is wanted.
    public enum Choice: Hashable, Sendable {
        /// A group below this program's own, where that is delegated.
        case automatic
        /// Groups below the one of that path, which the caller answers for. This program stays
        /// where it is.
        case below(String)
        case processGroup
    }

    /// Why it is no control group, `nil` when it is.
    public private(set) var reason: String?
    private var base: ControlGroup?
    /// Groups whose command has ended and that are not empty yet.
    private var leftovers: Set<String> = []
    /// Empty groups for the commands to come, at most ``RunningLimits/runningMax``.
    private var spares: [ControlGroup] = []
    private var madeCount = 0
    private var isSubreaper = false

    static let groupPrefix = "command-"
    static let serverGroup = "server"

    public init(_ choice: Choice = .automatic) {
        switch choice {
        case .processGroup: reason = "it was asked for"
        case .below(let path): open(path, mustBeDelegated: false)
        case .automatic:
            guard let path = ControlGroup.ownPath() else {
                reason = "there is no cgroup2 file system"
                break
            }
            open(path, mustBeDelegated: true)
        }
        guard let base else {
            becomeSubreaper()
            return
        }
        // Commands of a life before this one, whose end nobody saw.
        for name in base.childNames() where name.hasPrefix(Self.groupPrefix) {
            (try? base.makeChild(name))?.kill()
            leftovers.insert(name)
        }
        sweep()
    }

    deinit { removeSpares() }

    private func removeSpares() {
        for spare in spares { try? base?.removeChild(spare.name) }
        spares.removeAll()
    }

    public var kind: Kind { base == nil ? .processGroup : .cgroup }

    /// Whether a group waits to be removed.
    public var hasLeftovers: Bool { !leftovers.isEmpty }

    private func open(_ path: String, mustBeDelegated: Bool) {
        do throws(Errno) {
            let group = try ControlGroup(path: path)
            guard !mustBeDelegated || group.isDelegated else {
                reason = "\(path) is not delegated; set Delegate=yes in the unit"
                return
            }
            if mustBeDelegated { try group.makeChild(Self.serverGroup).enter() }
            // One that is not there, as under the old hierarchy, limits nothing.
            for controller in ["memory", "pids", "cpu"] {
                try? group.write("+\(controller)", to: "cgroup.subtree_control")
            }
            let probe = "\(Self.groupPrefix)probe"
            _ = try group.makeChild(probe)
            try group.removeChild(probe)
            base = group
        } catch {
            reason = "\(path): \(error)"
        }
    }

    private func becomeSubreaper() {
        guard !isSubreaper else { return }
        isSubreaper = true
        do throws(Errno) {
            try ProcessTree.becomeSubreaper()
        } catch {
            reason = "\(reason ?? ""); no subreaper either: \(error)"
        }
    }

    /// A group for one command with its limits; `nil` where there are none to be had.
    func takeGroup(_ limits: ResourceLimits) throws(Errno) -> ControlGroup? {
        guard let base else { return nil }
        let group: ControlGroup
        if let spare = spares.popLast() {
            group = spare
        } else {
            group = try base.makeChild(unusedName())
        }
        // A limit whose controller is not there fails, and does not hold: the rest still does.
        try? group.write(limits.memoryBytesMax.map { "\($0)" } ?? "max", to: "memory.max")
        try? group.write(limits.memoryBytesMax == nil ? "max" : "0", to: "memory.swap.max")
        try? group.write(limits.memoryBytesMax == nil ? "0" : "1", to: "memory.oom.group")
        try? group.write(limits.processesMax.map { "\($0)" } ?? "max", to: "pids.max")
        let quota = limits.processorPercentMax.map { "\($0 * 1000)" } ?? "max"
        try? group.write("\(quota) 100000", to: "cpu.max")
        return group
    }

    private func unusedName() -> String {
        repeat { madeCount += 1 } while leftovers.contains("\(Self.groupPrefix)\(madeCount)")
        return "\(Self.groupPrefix)\(madeCount)"
    }

    /// The kernel refused to start a command in a group: none is used from here on.
    func giveUpGroups(_ errno: Errno) {
        reason = "starting a process in a group: \(errno)"
        removeSpares()
        base = nil
        becomeSubreaper()
    }

    /// The command of the group has ended: it is for the next one, or removed once it is empty.
    func release(_ group: ControlGroup) {
        guard base != nil else { return }
        if spares.count < RunningLimits.runningMax, !group.wasKilled, !group.isPopulated {
            spares.append(group)
        } else {
            leftovers.insert(group.name)
            sweep()
        }
    }

    /// Removes what is empty by now.
    public func sweep() {
        guard let base else { return leftovers.removeAll() }
        for name in leftovers {
            do throws(Errno) {
                try base.removeChild(name)
                leftovers.remove(name)
            } catch {
                if error == .notFound { leftovers.remove(name) }
            }
        }
    }
}
