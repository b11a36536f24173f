public import YAML

/// Where a value comes from; a later case goes before an earlier one.
public enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
    case builtIn
    case file(YAMLPlace)
    case environment(String)
    case flag(String)

    public var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let place): "\(place.file):\(place.line)"
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        }
    }

    /// What kind it is, for programs.
    public var kind: String {
        switch self {
        case .builtIn: "default"
        case .file: "file"
        case .environment: "environment"
        case .flag: "flag"
        }
    }
}

/// Why a configuration was refused.
public enum ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    case yaml(YAMLError)
    /// A file that cannot be read, and why.
    case file(String, String)
    /// A value from the environment or a flag.
    case value(SettingOrigin, String, expectation: String)

    /// Where, what, and what to do.
    public var description: String {
        switch self {
        case .yaml(let error): "\(error)"
        case .file(let path, let reason): "\(path) cannot be read: \(reason)"
        case .value(let origin, let text, let expectation):
            "\(origin): \"\(text.shown)\" is not \(expectation)"
        }
    }
}
