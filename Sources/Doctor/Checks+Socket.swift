import Kernel

/// A guest's socket on the host: what stands between a program there and the agent.
extension Doctor {
    static func socket(_ view: HostView) -> Finding {
        switch view.socket {
        case .missing:
            return .problem(
                .socket, "there is no \(view.path)",
                remedy: """
                    Start the virtual machine, with a channel as printed by: \
                    vireo config qemu --name org.infinibay.agent --socket \(view.path)
                    """)
        case .notASocket:
            return .problem(
                .socket, "\(view.path) is no socket",
                remedy: "Give the path that stands behind path= of QEMU's -chardev socket.")
        case .hidden(let errno):
            return .problem(
                .socket, "\(view.path) cannot be looked at: \(errno)",
                remedy: "sudo vireo doctor --socket \(view.path)")
        case .present(let mode, let owner, let mayConnect):
            let seen = "\(view.path) is there, mode \(String(mode, radix: 8)), of user \(owner)"
            guard mayConnect else {
                return .problem(
                    .socket, "\(seen), and this user may not connect",
                    remedy:
                        "sudo vireo doctor --socket \(view.path), or as the user that QEMU runs as")
            }
            if mode & 0o002 != 0 {
                return .note(
                    .socket, "\(seen): every user of this host may speak to the guest",
                    remedy: "sudo chmod o-w \(view.path), or a folder of mode 0700 around it")
            }
            return .ok(.socket, seen)
        }
    }

    static func listener(_ view: HostView) -> Finding? {
        guard case .present(_, _, true) = view.socket else { return nil }
        if case .refused(let errno) = view.attachment {
            if errno == .connectionRefused {
                return .problem(
                    .listener,
                    "nobody listens on it: the socket is stale, left by a QEMU that ended",
                    remedy: "rm \(view.path), and start the virtual machine")
            }
            if errno == .again {
                return .problem(
                    .listener, "so many wait to connect already that no more fit",
                    remedy: "See who holds it: sudo ss -xp src \(view.path)")
            }
            return .problem(
                .listener, "connecting failed: \(errno)",
                remedy: "See who listens: sudo ss -xlp src \(view.path)")
        }
        return .ok(.listener, "somebody listens on it")
    }

    /// Busy, not dead: QEMU serves one client, and lets others connect and hear nothing.
    static func client(_ view: HostView) -> Finding? {
        guard isListening(view) else { return nil }
        let find = """
            sudo ss -xp src \(view.path) shows QEMU's end and the number of its peer; \
            sudo ss -xp | grep NUMBER shows who that is
            """
        if isBusy(view) {
            return .problem(
                .client, "somebody else is attached: the socket is busy, not dead",
                remedy: "End the other program, or watch through it. \(find)")
        }
        switch view.attachment {
        case .handshake, .other: return .ok(.client, "nobody else is attached")
        default:
            if knowsClients(view) { return .ok(.client, "nobody else is attached") }
            return .note(
                .client, "whether somebody else is attached cannot be seen from here", remedy: find)
        }
    }

    static func monitor(_ view: HostView) -> Finding? {
        switch view.monitor {
        case nil: nil
        case .failed(let why)?:
            .problem(
                .monitor, "QEMU's monitor does not answer: \(why)",
                remedy: """
                    Give the path of -qmp unix:PATH,server=on,wait=off; it serves one client, \
                    too. With libvirt: virsh qemu-monitor-command DOMAIN --pretty query-chardev
                    """)
        case .known(let chardevs, let ports)?:
            .ok(
                .monitor,
                "QEMU's monitor answers: \(chardevs.count) chardevs, \(ports.count) serial ports")
        }
    }

    /// Whether there is a port behind the socket, and whether the guest has it open.
    static func hostPort(_ view: HostView) -> Finding? {
        guard case .known(let chardevs, let ports)? = view.monitor else { return nil }
        guard let chardev = chardevs.first(where: { $0.isSocket(view.path) }) else {
            return .problem(
                .port, "no chardev of this QEMU has that socket: no port",
                remedy: "Is it this machine's monitor? Else add what this prints: "
                    + "vireo config qemu --name org.infinibay.agent --socket \(view.path)")
        }
        guard let port = ports.first(where: { $0.chardev == chardev.label }) else {
            return .problem(
                .port, "the chardev \(chardev.label) has no virtserialport in front of it: no port",
                remedy: """
                    Add it: -device virtserialport,chardev=\(chardev.label),id=\(chardev.label),\
                    name=org.infinibay.agent
                    """)
        }
        let seen = "the port \(port.identity) is named \(port.name)"
        guard chardev.isFrontendOpen else {
            return .problem(
                .port, "\(seen), and nobody in the guest has it open: no agent",
                remedy: "In the guest: sudo vireo doctor; sudo systemctl start \(UnitView.name)")
        }
        if let output = port.output, output.lost > 0 { return lostSlots(output, of: port) }
        return .ok(.port, "\(seen), and the guest has it open")
    }

    /// Hosts that leave with something on its way to them cost a slot each, whichever agent it is.
    private static func lostSlots(_ output: OutputQueue, of port: MonitorPort) -> Finding {
        let again = """
            Restart the guest; or in it, as root, unbind the port's device from the driver \
            virtio_console, bind it again, and restart what uses its ports
            """
        guard output.lost < output.slots else {
            return .problem(
                .port,
                "nothing can leave by the port \(port.identity): QEMU has lost all "
                    + "\(output.slots) slots of its queue",
                remedy: again)
        }
        return .note(
            .port,
            """
            the guest has the port \(port.identity) open, and QEMU has lost \(output.lost) of \
            \(output.slots) slots of its queue: one with each host that left while something was \
            on its way to it
            """,
            remedy: "Have hosts read until they leave. Before all are lost: \(again)")
    }

    /// Which it is: an agent, a silent one, or none.
    static func agent(_ view: HostView) -> Finding? {
        guard isListening(view) else { return nil }
        let inTheGuest = "In the guest: sudo vireo doctor; journalctl -u \(UnitView.name) -n 20"
        switch view.attachment {
        case .handshake(let vm, let version):
            return .ok(.agent, "the agent \(version) of \(vm) has answered")
        case .other(let line):
            return .problem(
                .agent, "what answers is no agent of ours: \(line)",
                remedy: "Give the socket of the port org.infinibay.agent, not another one's.")
        case .closed:
            return .problem(
                .agent, "the connection was closed without a word",
                remedy: "Is it QEMU that listens? sudo ss -xlp src \(view.path)")
        case .refused, .notTried:
            return isBusy(view)
                ? .note(.agent, "the agent speaks to the one who is attached, so it was not asked")
                : nil
        case .silent(let milliseconds):
            let seconds = Double(milliseconds) / 1000
            return silent("no byte within \(seconds) s of attaching", view, inTheGuest)
        }
    }

    private static func silent(_ seen: String, _ view: HostView, _ remedy: String) -> Finding {
        switch isPortOpen(view) {
        case true?:
            return .problem(
                .agent, "\(seen), although the guest has the port open: a silent agent",
                remedy: "It hangs, or is another program. \(remedy)")
        case false?:
            return .problem(.agent, "\(seen): no agent has the port open", remedy: remedy)
        case nil:
            let which =
                knowsClients(view)
                ? "no port, no agent, or a silent one"
                : "the socket is busy, or there is no port, no agent, or a silent one"
            return .problem(
                .agent, "\(seen): \(which)",
                remedy: "Add --qmp PATH of QEMU's monitor to tell them apart. \(remedy)")
        }
    }

    // MARK: What follows from the view

    private static func isListening(_ view: HostView) -> Bool {
        guard case .present(_, _, true) = view.socket else { return false }
        if case .refused = view.attachment { return false }
        return true
    }

    /// Whether the monitor or the kernel showed another client before we attached.
    static func isBusy(_ view: HostView) -> Bool {
        if case .known(let chardevs, _)? = view.monitor,
            let chardev = chardevs.first(where: { $0.isSocket(view.path) })
        {
            return chardev.isAttached
        }
        return view.connections.served > 0
    }

    private static func knowsClients(_ view: HostView) -> Bool {
        if case .known(let chardevs, _)? = view.monitor,
            chardevs.contains(where: { $0.isSocket(view.path) })
        {
            return true
        }
        return view.connections.hasListener
    }

    private static func isPortOpen(_ view: HostView) -> Bool? {
        guard case .known(let chardevs, let ports)? = view.monitor else { return nil }
        guard let chardev = chardevs.first(where: { $0.isSocket(view.path) }),
            ports.contains(where: { $0.chardev == chardev.label })
        else { return false }
        return chardev.isFrontendOpen
    }
}
