/// How the service manager sees the agent.
public enum ServiceView: Equatable, Sendable {
    case known(UnitView)
    /// Why not.
    case notKnown(String)

    public var unit: UnitView? {
        guard case .known(let unit) = self else { return nil }
        return unit
    }
}

/// What `systemctl show` says of the unit.
///
/// Source: systemctl(1), org.freedesktop.systemd1(5).
public struct UnitView: Equatable, Sendable {
    public static let name = "vireod.service"
    /// What to ask for.
    public static let properties = [
        "LoadState", "ActiveState", "SubState", "Result", "StatusText", "NRestarts", "MainPID",
        "WatchdogUSec", "User", "Group", "SupplementaryGroups", "LimitMEMLOCK", "ExecMainStatus",
    ]

    public var loadState = ""
    public var activeState = ""
    public var subState = ""
    public var result = ""
    /// What the agent itself says: STATUS of sd_notify(3).
    public var statusText = ""
    public var restarts = 0
    public var mainPID = 0
    /// `nil` when there is none.
    public var watchdog: String?
    public var user = ""
    /// Names of all groups that the process has, as far as the unit and /etc/group tell.
    public var groups: [String] = []
    /// `nil` for no limit.
    public var lockedMemoryBytes: UInt64?
    public var exitStatus = 0

    public init() {}

    /// Reads `NAME=VALUE` lines; what is missing keeps its default.
    public init(parsing text: String) {
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = String(line[line.index(after: equals)...])
            switch line[..<equals] {
            case "LoadState": loadState = value
            case "ActiveState": activeState = value
            case "SubState": subState = value
            case "Result": result = value
            case "StatusText": statusText = value
            case "NRestarts": restarts = Int(value) ?? 0
            case "MainPID": mainPID = Int(value) ?? 0
            case "WatchdogUSec": watchdog = ["", "0", "infinity"].contains(value) ? nil : value
            case "User": user = value
            case "Group", "SupplementaryGroups":
                groups += value.split(separator: " ").map(String.init)
            case "LimitMEMLOCK": lockedMemoryBytes = UInt64(value)
            case "ExecMainStatus": exitStatus = Int(value) ?? 0
            default: break
            }
        }
    }

    public var isActive: Bool { activeState == "active" }
    /// systemd says nothing for root.
    public var isRoot: Bool { user.isEmpty || user == "root" || user == "0" }

    /// Whether the agent says that a host is connected; `nil` when it says neither.
    public var isHostConnected: Bool? {
        guard isActive else { return nil }
        if statusText.contains("host connected on") { return true }
        if statusText.contains("waiting for a host on") { return false }
        return nil
    }

    /// The engine that runs, by the agent's own words.
    public var engine: String? { isActive ? word(after: "engine ") : nil }

    /// Frames that the host has sent so far, by the agent's own words.
    public var framesReceived: UInt64? {
        isActive ? word(after: "received ").flatMap { UInt64($0) } : nil
    }

    public var framesSent: UInt64? {
        isActive ? word(after: "sent ").flatMap { UInt64($0) } : nil
    }

    /// The letters and digits behind the first `mark` that begins a part of the status.
    private func word(after mark: String) -> String? {
        for part in statusText.split(separator: ",") {
            let part = part.drop { $0 == " " }
            guard part.hasPrefix(mark) else { continue }
            let word = part.dropFirst(mark.count).prefix { $0.isLetter || $0.isNumber }
            return word.isEmpty ? nil : String(word)
        }
        return nil
    }
}
