import YAML

/// A program that may be run, and with which arguments.
public struct CommandRule: Hashable, Sendable {
    public var name: String
    /// Absolute; owned by root and not writable by others.
    public var path: String
    /// One element an argument: the patterns of which it has to match one.
    public var arguments: [[ArgumentPattern]] = []
    /// What every further argument has to match one of.
    public var moreArguments: [ArgumentPattern] = []
    /// How many further ones there may be.
    public var moreArgumentsCount = 0...0
    public var argumentBytesMax = PolicyLimits.argumentBytesDefault
    public var execution = ExecutionRule()

    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    var ruleName: String { "commands.\(name)" }

    /// Whether a request means this program: by its path, or by the rule's name.
    func isMeant(by program: String) -> Bool { program == path || program == name }

    /// What is wrong with the arguments, `nil` when nothing is.
    func fault(in given: ArraySlice<String>) -> String? {
        let least = arguments.count + moreArgumentsCount.lowerBound
        let most = arguments.count + moreArgumentsCount.upperBound
        guard (least...most).contains(given.count) else {
            let wanted = least == most ? "\(least)" : "\(least) to \(most)"
            return "\(given.count) arguments where the rule wants \(wanted)"
        }
        for (place, argument) in given.enumerated() {
            guard argument.utf8.count <= argumentBytesMax else {
                return "argument \(place + 1) has more than \(argumentBytesMax) bytes"
            }
            let patterns = place < arguments.count ? arguments[place] : moreArguments
            guard patterns.contains(where: { $0.matches(argument) }) else {
                return "argument \(place + 1), \"\(argument.shown)\", does not match "
                    + patterns.map { "\"\($0.text)\"" }.joined(separator: " or ")
            }
        }
        return nil
    }
}

/// Programs and scripts that are not named beforehand.
public struct RawRule: Hashable, Sendable {
    /// Absolute paths of the shells that may run them.
    public var shells = ["/bin/sh", "/bin/bash"]
    public var execution = ExecutionRule()

    public init() {}

    /// The shell that a request means: by its path or its last name; the first one by default.
    func shell(_ wanted: String?) -> String? {
        guard let wanted else { return shells.first }
        return shells.first {
            $0 == wanted || $0.split(separator: "/").last.map(String.init) == wanted
        }
    }
}

/// Which action may be done, with what, to what.
public struct ActionRule: Hashable, Sendable {
    /// An action's name, `read_only` or `all`.
    public var name: String
    /// Such as `restart`; empty: any.
    public var operations: [String] = []
    /// What it may be done to; empty: anything.
    public var targets: [ArgumentPattern] = []
    public var isSigned = false

    public init(_ name: String) {
        self.name = name
    }

    /// The action, by itself or as one of its class.
    func covers(_ action: String, isReadOnly: Bool) -> Bool {
        switch name {
        case "all": true
        case "read_only": isReadOnly
        default: name == action
        }
    }

    func fault(operation: String?, target: String?, isSigned: Bool) -> String? {
        if self.isSigned, !isSigned { return "it has to be signed" }
        if !operations.isEmpty, !operations.contains(operation ?? "") {
            return "the operation \"\((operation ?? "").shown)\" is not in the rule's operations"
        }
        if !targets.isEmpty, !targets.contains(where: { $0.matches(target ?? "") }) {
            return "\"\((target ?? "").shown)\" does not match the rule's targets"
        }
        return nil
    }
}

/// Directories below which files may be read and written.
public struct FileRule: Hashable, Sendable {
    public var read: [String] = []
    public var write: [String] = []
    /// Bytes of a file that is read or written.
    public var bytesMax = 16_777_216
    public var isSigned = false

    public static let bytesMaxRange = 1...1_073_741_824

    public init() {}

    /// The innermost of `directories` that `path` lies below.
    func allowance(for path: String, in directories: [String]) -> FileAllowance? {
        let directory = directories.filter { isPlainPath(path, below: $0) && path != $0 }
            .max { $0.utf8.count < $1.utf8.count }
        guard let directory else { return nil }
        let skipped = directory == "/" ? 1 : directory.utf8.count + 1
        return FileAllowance(
            directory: directory,
            relativePath: String(decoding: path.utf8.dropFirst(skipped), as: UTF8.self),
            bytesMax: bytesMax)
    }
}
