import IOEngine

/// Which engine runs and why, and the memory that it wants to lock.
extension Doctor {
    static func engine(_ view: GuestView) -> Finding {
        let engine = view.engine
        if engine.choice == .epoll { return .ok(.engine, "epoll, as the configuration asks") }
        if let setting = engine.disabledSetting, setting > 0,
            setting > 1 || view.service.unit?.isRoot != true
        {
            let whom = setting == 1 ? "for users outside of kernel.io_uring_group" : "for everyone"
            return refused(
                engine, "kernel.io_uring_disabled is \(setting): io_uring is refused \(whom)",
                remedy: "sudo sysctl -w kernel.io_uring_disabled=0, and in /etc/sysctl.d for good")
        }
        if let refusal = engine.refusal {
            return refused(
                engine, refusal,
                remedy: "Use Linux 5.19 or newer, and a container profile that allows io_uring")
        }
        // What the service gets can differ from what the doctor gets.
        if view.service.unit?.engine == "epoll" {
            return refused(
                engine,
                "the agent runs on epoll, although io_uring works here: the unit refuses it",
                remedy: """
                    Allow @io-uring in the unit's SystemCallFilter; why it fell back: \
                    journalctl -u \(UnitView.name) -g 'engine epoll'
                    """)
        }
        let running = view.service.unit?.engine.map { ", and the agent runs on \($0)" } ?? ""
        return .ok(.engine, "io_uring can be had\(running)")
    }

    private static func refused(_ engine: EngineView, _ why: String, remedy: String) -> Finding {
        let end = engine.choice == .uring ? "; the agent is told to do without epoll, and ends" : ""
        return .problem(
            .engine, why + end,
            remedy: "\(remedy). If epoll is meant, say so: vireod --engine epoll, or "
                + "VIREO_ENGINE=epoll.")
    }

    static func lockedMemory(_ view: GuestView) -> Finding {
        let memory = view.lockedMemory
        let needed = "\(memory.neededBytes / 1024) KiB are needed"
        if view.engine.choice == .epoll || view.service.unit?.engine == "epoll" {
            return .ok(.lockedMemory, "not needed on epoll")
        }
        guard let limit = memory.limitBytes else {
            return .ok(.lockedMemory, "not limited; \(needed)")
        }
        let seen = "the limit is \(limit / 1024) KiB, \(needed)"
        if limit >= memory.neededBytes { return .ok(.lockedMemory, seen) }
        if let unit = view.service.unit, unit.loadState == "loaded", unit.isRoot {
            return .ok(.lockedMemory, "\(seen), and the unit's user root is not bound by it")
        }
        return .problem(
            .lockedMemory, "\(seen): transfers go on without registered memory, and cost more",
            remedy: """
                sudo systemctl edit \(UnitView.name), with LimitMEMLOCK=8M under [Service], then: \
                sudo systemctl restart \(UnitView.name)
                """)
    }
}
