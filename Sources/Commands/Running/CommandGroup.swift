import Kernel

/// The control group that commands run in, one after the other, and the zygote that stands in it
/// where one is needed.
final class CommandGroup {
    let control: ControlGroup
    private(set) var zygote: Zygote?

    init(_ control: ControlGroup) {
        self.control = control
    }

    var name: String { control.name }

    /// How many of its processes are not the command's.
    var ownProcessCount: UInt64 { zygote == nil ? 0 : 1 }

    /// Whether another command may run in it. One that was killed takes none: see
    /// `ControlGroup.wasKilled`.
    var isUsable: Bool { !control.wasKilled && !isPopulated }

    /// Starts what makes the next start a fast one. A failure leaves it at a slow one.
    func startZygote() {
        guard zygote == nil, !control.wasKilled else { return }
        zygote = try? Zygote(in: control)
    }

    /// Whether a process of a command is in it or below it that has not ended.
    var isPopulated: Bool {
        guard let zygote else { return control.isPopulated }
        if zygote.hasEnded {
            self.zygote = nil
            return control.isPopulated
        }
        // Counted over all groups below; without that controller the members are looked at.
        if let count = try? control.read("pids.current"), count == "1\n" { return false }
        let members = (try? control.read("cgroup.procs")) ?? ""
        // One that is on its way into the group is not there yet.
        guard members.isEmpty || members == "\(zygote.pid)\n" else { return true }
        let below = (try? control.read("cgroup.stat")) ?? ""
        return !below.hasPrefix("nr_descendants 0\n")
    }

    /// Ends every process in it, the zygote too.
    func kill() { control.kill() }

    /// Signals every process in it; the zygote has all signals blocked.
    func signal(_ number: Int32) { control.signal(number) }

    /// Whether the zygote, if there ever was one, is gone.
    var isRidOfZygote: Bool {
        if zygote?.hasEnded ?? true { zygote = nil }
        return zygote == nil
    }
}
