public import IOEngine
import Kernel
public import Port
import Slabs

/// Reads a ``GuestView`` from the system that this runs on. Nothing is opened but small files.
public struct GuestReader {
    public var names = PortName.defaults
    public var choice = IOEngine.Choice.automatic
    /// How the agent's configuration looks: whoever knows its rules says so.
    public var configuration: () -> ConfigurationView = { .notKnown("nobody looked") }
    public var tree = PortTree()
    /// `/etc`, `/lib/modules` and `/run` stand below this; tests have a tree of their own.
    public var root = ""
    /// What `systemctl show` prints; `nil` where there is no systemd.
    public var showUnit: () -> ServiceView = { GuestReader.askSystemd() }

    public init() {}

    public func view() -> GuestView {
        var view = GuestView()
        view.kernelRelease = SystemName.current.kernelRelease
        view.isRoot = ProcessIdentity.user == 0
        view.hasController = hasController()
        view.driver = driver(view.kernelRelease)
        view.wantedNames = names.map(\.text)
        view.links = tree.links()
        view.service = service()
        view.ports = tree.nodes().map(port)
        view.engine = engine()
        view.lockedMemory.neededBytes = Self.neededBytes
        view.lockedMemory.limitBytes =
            view.service.unit.flatMap { $0.loadState == "loaded" ? $0 : nil }
            .map(\.lockedMemoryBytes) ?? ProcessIdentity.lockedMemoryBytesMax
        view.clock.millisecondsSince1970 = WallTime.now.millisecondsSince1970
        view.clock.isSynchronised = WallTime.isSynchronised
        view.configuration = configuration()
        return view
    }

    /// The rings of one agent, and a slab for what the kernel counts beside them: of 8 MiB, 127
    /// slabs of 64 KiB register and 128 do not.
    static var neededBytes: UInt64 {
        let slabs =
            SlabLimits.receiveSlabsDefault + SlabLimits.sendSlabsDefault
            + SlabLimits.controlSlabsDefault + 1
        return UInt64(slabs * SlabLimits.slabBytes)
    }

    // MARK: The driver and the ports

    /// A device of type 3 on the virtio bus. Source: the virtio specification, "Console Device".
    private func hasController() -> Bool {
        let folder = "\(tree.sys)/bus/virtio/devices"
        return ((try? directoryNames(folder)) ?? []).contains { device in
            smallFile("\(folder)/\(device)/device")?.hasPrefix("0x0003") == true
        }
    }

    /// /proc/devices would not do: it names the driver only once a controller is there.
    private func driver(_ release: String) -> DriverView {
        if exists("\(tree.sys)/bus/virtio/drivers/virtio_console") {
            let modules = smallFile("\(tree.proc)/modules") ?? ""
            let isModule = modules.split(separator: "\n").contains {
                $0.hasPrefix("virtio_console ")
            }
            return isModule ? .module : .builtIn
        }
        let list = smallFile("\(root)/lib/modules/\(release)/modules.dep") ?? ""
        return list.contains("/virtio_console.ko") ? .notLoaded : .missing
    }

    private func port(_ node: PortTree.Node) -> PortView {
        var port = PortView(path: node.path, name: node.name)
        port.problem = tree.check(node.path, tree)
        if let status = try? FileStatus.of(node.path) {
            port.mode = status.permissions
            port.owner = name(of: status.owner, in: "passwd")
            port.group = name(of: status.group, in: "group")
        }
        port.holder = tree.holder(of: node.path)
        // The driver's own view of the port. Source: drivers/char/virtio_console.c,
        // port_debugfs_show.
        let file = node.path.split(separator: "/").last ?? ""
        if let text = smallFile("\(tree.sys)/kernel/debug/virtio-ports/\(file)") {
            port.isHostConnected = flag("host_connected", in: text)
            port.isGuestConnected = flag("guest_connected", in: text)
        }
        return port
    }

    private func flag(_ name: String, in text: String) -> Bool? {
        for line in text.split(separator: "\n") where line.hasPrefix("\(name): ") {
            return !line.hasSuffix(": 0")
        }
        return nil
    }

    // MARK: The service

    private func service() -> ServiceView {
        let service = showUnit()
        guard var unit = service.unit else { return service }
        unit.groups += groups(of: unit.user)
        return .known(unit)
    }

    /// Asks systemd, if it is the one that runs this machine.
    static func askSystemd() -> ServiceView {
        // Source: sd_booted(3).
        guard (try? FileStatus.of("/run/systemd/system")) != nil else {
            return .notKnown("this machine was not booted with systemd")
        }
        let command = [
            "systemctl", "show", "--no-pager",
            "--property=" + UnitView.properties.joined(separator: ","), UnitView.name,
        ]
        do throws(Errno) {
            let output = try CommandOutput.of(command)
            guard output.exitCode == 0 else {
                return .notKnown("systemctl show ended with \(output.exitCode)")
            }
            return .known(UnitView(parsing: output.text))
        } catch {
            return .notKnown("systemctl: \(error)")
        }
    }

    /// Groups that list the user as a member, and its own. Source: group(5), passwd(5).
    private func groups(of user: String) -> [String] {
        guard !user.isEmpty else { return [] }
        let own = entries("passwd").first { $0[0] == user }.map { $0[3] }
        return entries("group").filter { entry in
            entry[2] == own || entry[3].split(separator: ",").contains { $0 == user }
        }.map { String($0[0]) }
    }

    private func name(of id: UInt32, in file: String) -> String {
        entries(file).first { $0[2] == "\(id)" }.map { String($0[0]) } ?? "\(id)"
    }

    private func entries(_ file: String) -> [[Substring]] {
        (smallFile("\(root)/etc/\(file)") ?? "").split(separator: "\n")
            .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
            .filter { $0.count > 3 }
    }

    // MARK: The engine

    private func engine() -> EngineView {
        var view = EngineView()
        view.choice = choice
        view.disabledSetting = smallFile("\(tree.proc)/sys/kernel/io_uring_disabled")
            .flatMap { Int($0.prefix { $0.isNumber }) }
        do {
            _ = try IOEngine(.uring)
        } catch {
            view.refusal = "\(error.operation.rawValue) failed: \(error.errno)"
        }
        return view
    }

    // MARK: Files

    private func exists(_ path: String) -> Bool { (try? FileStatus.of(path)) != nil }

    private func smallFile(_ path: String) -> String? {
        var reader = FileReader(bytesMax: 4 << 20)
        guard let bytes = try? reader.read(path) else { return nil }
        return bytes.repairedText
    }
}
