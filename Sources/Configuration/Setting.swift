import YAML

/// One row of the table of all settings, from which the sample, the names of environment variables,
/// the checks and their messages are made.
public struct Setting: Sendable {
    /// What a value may be.
    public enum Kind: Sendable {
        case text
        /// An absolute path.
        case path
        case bool
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case choice([String])
    }

    public let key: Key
    public let kind: Kind
    /// `nil` where something else is decided without one; ``about`` says what.
    public let defaultValue: SettingValue?
    /// Empty for what has none.
    public let unit: String
    /// One sentence or two.
    public let about: String
    /// Names of environment variables, the first before the others.
    public let environment: [String]
    /// The flag of `vireod`, if it has one.
    public let flag: String?
    /// Whether SIGHUP is enough for a change; otherwise it takes a restart.
    public let isReloadable: Bool

    init(
        _ key: Key, _ kind: Kind, default defaultValue: SettingValue?, unit: String = "",
        also aliases: [String] = [], hasFlag: Bool = true, isReloadable: Bool = false,
        _ about: String
    ) {
        self.key = key
        self.kind = kind
        self.defaultValue = defaultValue
        self.unit = unit
        self.about = about
        environment = ["VIREO_" + key.rawValue.uppercased()] + aliases
        flag = hasFlag ? "--" + key.rawValue.replacing("_", with: "-") : nil
        self.isReloadable = isReloadable
    }

    /// Every setting by its name in a file.
    public enum Key: String, CaseIterable, Sendable {
        case device, name
        case allowForeignPort = "allow_foreign_port"
        case engine, interval, processes
        case processesInterval = "processes_interval"
        case ports
        case portsInterval = "ports_interval"
        case vmID = "vm_id"
        case logLevel = "log_level"
        case requireAck = "require_ack"
        case policy
        case pendingScripts = "pending_scripts"
        case stateDirectory = "state_directory"
        case spool

        /// Its row of the table.
        public var setting: Setting {
            Setting.table[Setting.table.firstIndex { $0.key == self } ?? 0]
        }
    }

    /// What may be written, for messages: `a number from 0.05 to 86400 seconds`.
    public var expectation: String {
        let unit = unit.isEmpty ? "" : " \(unit)"
        return switch kind {
        case .text: "a text"
        case .path: "an absolute path"
        case .bool: "true or false"
        case .integer(let range):
            "a whole number from \(range.lowerBound) to \(range.upperBound)\(unit)"
        case .number(let range):
            "a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound))\(unit)"
        case .choice(let words):
            words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        }
    }

    /// Reads a value that is written as a text; `nil` when it is not what it should be.
    public func value(_ text: String) -> SettingValue? {
        switch kind {
        case .text: text.isEmpty ? nil : .text(text)
        case .path: text.hasPrefix("/") ? .text(text) : nil
        case .bool: ["true": .bool(true), "false": .bool(false)][text]
        case .integer(let range):
            Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .number(let range):
            decimal(text).flatMap { range.contains($0) ? .number($0) : nil }
        case .choice(let words): words.contains(text) ? .text(text) : nil
        }
    }
}

/// A value of a setting.
public enum SettingValue: Hashable, Sendable, CustomStringConvertible {
    case text(String)
    case bool(Bool)
    case integer(Int)
    case number(Double)

    /// As a file would have it, without quotes.
    public var description: String {
        switch self {
        case .text(let text): text
        case .bool(let truth): "\(truth)"
        case .integer(let number): "\(number)"
        case .number(let number): shortest(number)
        }
    }
}

/// `30` for 30.0.
func shortest(_ number: Double) -> String {
    number == number.rounded() && number.magnitude < 1e15 ? "\(Int64(number))" : "\(number)"
}
