public import IOEngine
public import Port

/// What a guest looks like from the inside, as plain values.
public struct GuestView: Equatable, Sendable {
    public var kernelRelease = ""
    /// Whether a virtio-serial controller is on the bus.
    public var hasController = false
    public var driver = DriverView.missing
    /// The names that the agent looks for, in order.
    public var wantedNames: [String] = []
    public var ports: [PortView] = []
    /// Names that udev has made links of.
    public var links: [String] = []
    public var service = ServiceView.notKnown("nobody looked")
    public var engine = EngineView()
    public var lockedMemory = LockedMemoryView()
    public var clock = ClockView()
    public var configuration = ConfigurationView.notKnown("nobody looked")
    /// Whether the doctor sees other users' processes, as root does.
    public var isRoot = false

    public init() {}

    /// The port that the agent would take, by name.
    public var port: PortView? {
        for name in wantedNames {
            if let port = ports.first(where: { $0.name == name }) { return port }
        }
        return nil
    }
}

/// The driver virtio_console.
public enum DriverView: Equatable, Sendable {
    case module
    case builtIn
    /// Not there, but this kernel has it as a module.
    case notLoaded
    /// Not there, and not among this kernel's modules.
    case missing
}

/// One virtio port.
public struct PortView: Equatable, Sendable {
    /// `/dev/vport0p1`.
    public var path: String
    /// As the host gave it; `nil` when it gave none.
    public var name: String?
    /// What is wrong with the node itself, if anything is.
    public var problem: PortError?
    /// Permission bits, such as 0o660, and whose it is; `nil` when there is no node.
    public var mode: UInt32?
    public var owner = "root"
    public var group = "root"
    public var holder: PortHolder?
    /// By the driver's debugfs file; `nil` when that cannot be read.
    public var isHostConnected: Bool?
    public var isGuestConnected: Bool?

    public init(path: String, name: String?) {
        self.path = path
        self.name = name
    }
}

/// Which engine an agent of ours gets here.
public struct EngineView: Equatable, Sendable {
    /// What the configuration asks for.
    public var choice = IOEngine.Choice.automatic
    /// Why io_uring is refused to the doctor itself; `nil` when it is not.
    public var refusal: String?
    /// kernel.io_uring_disabled: 0, 1 for all but a group, 2 for all; `nil` before Linux 6.6.
    public var disabledSetting: Int?

    public init() {}
}

/// Memory that may be locked by the user that the agent runs as.
public struct LockedMemoryView: Equatable, Sendable {
    /// Of the unit if it is known, else of the doctor; `nil` for no limit.
    public var limitBytes: UInt64?
    /// What one agent's rings take, with the ring's own page.
    public var neededBytes: UInt64 = 0

    public init() {}
}

/// The wall clock.
public struct ClockView: Equatable, Sendable {
    public var millisecondsSince1970: Int64 = 0
    /// Whether the kernel takes it for synchronised; `nil` where it does not say.
    public var isSynchronised: Bool?

    public init() {}
}

/// The agent's configuration files.
public enum ConfigurationView: Equatable, Sendable {
    /// There are none, which is right: every key has a default.
    case absent
    /// These files were read and hold nothing wrong.
    case valid(files: [String])
    /// What is wrong, each with its file and line.
    case invalid([String])
    /// Why it could not be looked at.
    case notKnown(String)
}
