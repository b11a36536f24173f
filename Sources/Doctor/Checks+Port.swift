import Port

/// The driver, the port, its node and who has it.
extension Doctor {
    static let udevRule =
        #"SUBSYSTEM=="virtio-ports", GROUP="virtio-ports", MODE="0660", TAG+="systemd""#
    private static let triggerUdev = "udevadm trigger --action=add --subsystem-match=virtio-ports"

    static func driver(_ view: GuestView) -> Finding {
        switch view.driver {
        case .module: return .ok(.driver, "virtio_console is loaded as a module")
        case .builtIn: return .ok(.driver, "virtio_console is built into the kernel")
        case .notLoaded:
            return .problem(
                .driver, "the driver virtio_console is not loaded",
                remedy: """
                    sudo modprobe virtio_console, and for the next boots: \
                    echo virtio_console | sudo tee /etc/modules-load.d/vireo.conf
                    """)
        case .missing:
            return .problem(
                .driver, "the kernel \(view.kernelRelease) has no driver virtio_console",
                remedy: "Install a kernel with CONFIG_VIRTIO_CONSOLE, such as linux-image-amd64.")
        }
    }

    static func port(_ view: GuestView) -> Finding {
        let names = view.wantedNames.joined(separator: " or ")
        if let port = view.port {
            if let problem = port.problem {
                return .problem(.port, "\(port.path): \(problem)", remedy: problem.remedy)
            }
            return .ok(.port, "\(port.path) is named \(port.name ?? "")")
        }
        let wanted = view.wantedNames.first ?? "org.infinibay.agent"
        let channel = "vireo config libvirt --name \(wanted) --socket PATH (or: config qemu)"
        let others = view.ports.map { "\($0.name ?? "a port without a name") (\($0.path))" }
        if others.isEmpty, !view.hasController {
            return .problem(
                .port, "this machine has no virtio-serial controller, so no port",
                remedy: "On the host, give it a controller and a channel as printed by: \(channel)")
        }
        if others.isEmpty {
            return .problem(
                .port, "there is a virtio-serial controller, and no port on it",
                remedy: "On the host, give it a channel as printed by: \(channel)")
        }
        return .problem(
            .port, "no port is named \(names); there are \(others.joined(separator: ", "))",
            remedy: """
                On the host, give it a channel as printed by: \(channel). To use a port of another \
                name that is meant for this agent: vireod --name NAME, or VIREO_NAME=NAME.
                """)
    }

    static func link(_ view: GuestView) -> Finding? {
        guard let name = view.port?.name else { return nil }
        if view.links.contains(name) { return .ok(.link, "/dev/virtio-ports/\(name) is there") }
        return .problem(
            .link, "udev has made no link /dev/virtio-ports/\(name)",
            remedy: "systemctl status systemd-udevd, then: sudo \(triggerUdev)")
    }

    static func access(_ view: GuestView) -> Finding? {
        guard let port = view.port else { return nil }
        guard let mode = port.mode else {
            return .problem(
                .access, "the kernel has the port, and \(port.path) is missing",
                remedy: "Mount devtmpfs on /dev, then: sudo \(triggerUdev)")
        }
        let digits = String(mode, radix: 8)
        let seen =
            "\(port.path) is \(String(repeating: "0", count: max(0, 4 - digits.count)) + digits) "
            + "\(port.owner):\(port.group)"
        guard let unit = view.service.unit, unit.loadState == "loaded" else {
            return .note(.access, "\(seen); which user has to open it is not known")
        }
        let user = unit.isRoot ? "root" : unit.user
        guard mayOpen(port, mode, unit) else {
            return .problem(
                .access, "\(seen), so the unit's user \(user) cannot open it",
                remedy: """
                    Install the rule and apply it: echo '\(udevRule)' | sudo tee \
                    /etc/udev/rules.d/61-vireo-access.rules; sudo udevadm control --reload; \
                    sudo \(triggerUdev); and have \
                    SupplementaryGroups=virtio-ports in the unit.
                    """)
        }
        if mode & 0o002 != 0 {
            return .problem(
                .access, "\(seen), so that every user may speak for this machine",
                remedy: "sudo chmod o-rw \(port.path); the rule is MODE=\"0660\"")
        }
        return .ok(.access, "\(seen), and the unit's user \(user) may open it")
    }

    private static func mayOpen(_ port: PortView, _ mode: UInt32, _ unit: UnitView) -> Bool {
        if unit.isRoot { return true }
        if port.owner == unit.user { return mode & 0o600 == 0o600 }
        if unit.groups.contains(port.group) { return mode & 0o060 == 0o060 }
        return mode & 0o006 == 0o006
    }

    static func holder(_ view: GuestView) -> Finding? {
        guard let port = view.port else { return nil }
        let pid = view.service.unit?.mainPID ?? 0
        if let holder = port.holder {
            if holder.pid == pid { return .ok(.holder, "the service has it open: \(holder)") }
            // One that was started by hand, while the service is not meant to run.
            if holder.command == "vireod", view.service.unit?.isActive != true {
                return .ok(.holder, "an agent that was started by hand has it open: \(holder)")
            }
            return .problem(
                .holder, "\(holder) has \(port.path) open, and a port serves one process",
                remedy: """
                    Stop it: sudo kill \(holder.pid), or systemctl stop the unit that \
                    systemctl status \(holder.pid) names.
                    """)
        }
        if port.isGuestConnected == true, !view.isRoot {
            return .note(
                .holder, "somebody has it open; who, only root can see", remedy: "sudo vireo doctor"
            )
        }
        if view.isRoot { return .ok(.holder, "nobody has it open") }
        return .note(
            .holder, "nobody is seen to have it open; others' processes only root can see",
            remedy: "sudo vireo doctor")
    }
}
