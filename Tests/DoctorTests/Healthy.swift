import Doctor
import Port

/// A guest in which nothing is wrong, to plant one fault at a time in.
func healthyGuest() -> GuestView {
    var view = GuestView()
    view.kernelRelease = "6.1.0-40-cloud-amd64"
    view.hasController = true
    view.driver = .module
    view.wantedNames = PortName.defaults.map(\.text)
    var port = PortView(path: "/dev/vport1p1", name: "org.infinibay.agent")
    port.mode = 0o660
    port.group = "virtio-ports"
    port.holder = PortHolder(pid: 411, command: "vireod")
    port.isHostConnected = true
    port.isGuestConnected = true
    view.ports = [port]
    view.links = ["org.infinibay.agent", "org.qemu.guest_agent.0"]
    var unit = UnitView()
    unit.loadState = "loaded"
    unit.activeState = "active"
    unit.subState = "running"
    unit.result = "success"
    unit.statusText =
        "host connected on /dev/vport1p1, engine uring, sent 12 frames, received 3, dropped 0"
    unit.mainPID = 411
    unit.watchdog = "30s"
    unit.user = "vireo"
    unit.groups = ["virtio-ports", "vireo"]
    unit.lockedMemoryBytes = 8 << 20
    view.service = .known(unit)
    view.lockedMemory.limitBytes = 8 << 20
    view.lockedMemory.neededBytes = 55 * 65_536
    view.clock.millisecondsSince1970 = 1_790_000_000_000
    view.clock.isSynchronised = true
    view.configuration = .absent
    view.isRoot = true
    return view
}

/// A socket on the host behind which everything is right.
func healthyHost() -> HostView {
    var view = HostView()
    view.path = "/run/vm/web.sock"
    view.socket = .present(mode: 0o600, owner: 0, mayConnect: true)
    view.connections.hasListener = true
    view.attachment = .handshake(vm: "web-01", version: "1.0.0")
    view.monitor = .known(
        chardevs: [
            ChardevView(
                label: "vireo0", filename: "disconnected:unix:/run/vm/web.sock,server=on",
                isFrontendOpen: true)
        ],
        ports: [MonitorPort(identity: "vireo0", name: "org.infinibay.agent", chardev: "vireo0")])
    return view
}

extension GuestView {
    /// Changes the first port, if there is one left.
    mutating func changePort(_ change: (inout PortView) -> Void) {
        if !ports.isEmpty { change(&ports[0]) }
    }

    mutating func changeUnit(_ change: (inout UnitView) -> Void) {
        guard case .known(var unit) = service else { return }
        change(&unit)
        service = .known(unit)
    }
}

extension DoctorReport {
    subscript(check: Finding.Check) -> Finding? { findings.first { $0.check == check } }

    /// The checks that found something wrong.
    var wrong: [Finding.Check] { findings.filter { $0.severity == .problem }.map(\.check) }
}
