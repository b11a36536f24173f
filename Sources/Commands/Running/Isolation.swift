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
/// the one before may have had the rights to change them. Where a command cannot be born in its
/// group, the group that is kept gets a `Zygote`, which starts the next one there. A
/// command that has to be killed takes both along.
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
    /// Groups whose command has ended and that are not empty yet, by name; those of a life before
    /// this one have nothing but that.
    private var leftovers: [String: CommandGroup?] = [:]
    /// Empty groups for the commands to come, at most ``RunningLimits/runningMax``.
    private var spares: [CommandGroup] = []
    private var madeCount = 0
    private var isSubreaper = false
    /// Whether groups that are kept get a zygote; from the first command on that had to move.
    private(set) var usesZygotes: Bool

    static let groupPrefix = "command-"
    static let serverGroup = "server"

    /// - Parameters:
    ///   - choice: what is wanted; ``kind`` tells what was to be had.
    ///   - usesZygotes: whether zygotes start commands although the kernel may not need them.
    public init(_ choice: Choice = .automatic, usesZygotes: Bool = false) {
        self.usesZygotes = usesZygotes
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
            leftovers[name] = .some(nil)
        }
        sweep()
    }

    deinit { removeSpares() }

    private func removeSpares() {
        let names = spares.map(\.name)
        // With a group its zygote goes, which is waited for.
        spares.removeAll()
        for name in names { try? base?.removeChild(name) }
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
    func takeGroup(_ limits: ResourceLimits) throws(Errno) -> CommandGroup? {
        guard let base else { return nil }
        let group: CommandGroup
        if let ready = spares.lastIndex(where: { $0.zygote?.isReady ?? false }) {
            group = spares.remove(at: ready)
        } else if let spare = spares.popLast() {
            group = spare
        } else {
            group = CommandGroup(try base.makeChild(unusedName()))
        }
        setLimits(of: group, limits)
        return group
    }

    private func setLimits(of group: CommandGroup, _ limits: ResourceLimits) {
        let control = group.control
        // A limit whose controller is not there fails, and does not hold: the rest still does.
        try? control.write(limits.memoryBytesMax.map { "\($0)" } ?? "max", to: "memory.max")
        try? control.write(limits.memoryBytesMax == nil ? "max" : "0", to: "memory.swap.max")
        try? control.write(limits.memoryBytesMax == nil ? "0" : "1", to: "memory.oom.group")
        let processes = limits.processesMax.map { "\($0 + group.ownProcessCount)" }
        try? control.write(processes ?? "max", to: "pids.max")
        let quota = limits.processorPercentMax.map { "\($0 * 1000)" } ?? "max"
        try? control.write("\(quota) 100000", to: "cpu.max")
    }

    private func unusedName() -> String {
        repeat { madeCount += 1 } while leftovers["\(Self.groupPrefix)\(madeCount)"] != nil
        return "\(Self.groupPrefix)\(madeCount)"
    }

    /// The kernel refused to start a command in a group: none is used from here on.
    func giveUpGroups(_ errno: Errno) {
        reason = "starting a process in a group: \(errno)"
        removeSpares()
        base = nil
        becomeSubreaper()
    }

    /// A command had to move itself into its group: from here on zygotes spare the others that.
    func startsAreSlow() { usesZygotes = true }

    /// The command of the group has ended: it is for the next one, or removed once it is empty.
    func release(_ group: CommandGroup) {
        guard base != nil else { return }
        if spares.count < RunningLimits.runningMax, group.isUsable {
            if usesZygotes { group.startZygote() }
            spares.append(group)
        } else {
            if !group.isRidOfZygote { group.kill() }
            leftovers[group.name] = group
            sweep()
        }
    }

    /// Removes what is empty by now.
    public func sweep() {
        guard let base else { return leftovers.removeAll() }
        for (name, group) in leftovers where group?.isRidOfZygote ?? true {
            do throws(Errno) {
                try base.removeChild(name)
                leftovers[name] = nil
            } catch {
                if error == .notFound { leftovers[name] = nil }
            }
        }
    }
}
