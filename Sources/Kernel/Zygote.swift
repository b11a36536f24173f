import CLinux
import Glibc

/// A process that stands in a control group and starts this process's children there.
///
/// Where clone3(2) is refused, as by systemd's `RestrictNamespaces=`, a child has to move into its
/// group, and to move a process the kernel waits until no processor looks at the old state of
/// things: ten to thirty milliseconds. A zygote has that behind it, and what it starts is born
/// where it stands. The children are this process's all the same (CLONE_PARENT): it reaps them,
/// and they die with it.
///
/// It is a copy of this process that only waits, and shares no memory with it but 150 KiB for the
/// question and the answer: should the group run out of memory, this process is not among those
/// that the kernel ends. It shares the table of descriptors, so that none has to be handed over.
///
/// Source: clone(2), cgroups(7); the kernel's cgroup_attach_lock and rcu_sync_enter.
@safe public final class Zygote {
    public let pid: Int32
    /// SAFETY: made in init, freed in deinit.
    private let zygote: OpaquePointer

    /// Starts one, which is not ready yet.
    ///
    /// - Throws: what clone(2) says; ENOENT when the group is gone.
    public init(in group: ControlGroup) throws(Errno) {
        guard let zygote = unsafe clinux_zygote_start(group.number) else { throw .current }
        unsafe self.zygote = zygote
        pid = unsafe clinux_zygote_pid(zygote)
    }

    deinit { unsafe clinux_zygote_free(zygote) }

    /// Whether it stands in its group and no child is being started.
    public var isReady: Bool { unsafe clinux_zygote_is_ready(zygote) == 1 }

    /// Whether it has ended; it is reaped then.
    public var hasEnded: Bool { unsafe clinux_zygote_has_ended(zygote) == 1 }

    var ready: OpaquePointer? { unsafe isReady ? zygote : nil }
}

extension Errno {
    /// wait(2): no child. Of ``ChildHandle``: the zygote failed.
    public static let noChild = Errno(rawValue: ECHILD)
}
