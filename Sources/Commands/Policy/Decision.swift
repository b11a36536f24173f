/// What a policy says to a request.
public enum Decision: Hashable, Sendable {
    case allowed(Allowance)
    case refused(Refusal)
}

/// How a request may be run: resolved, so that nothing of the request has to be looked at again.
public struct Allowance: Hashable, Sendable {
    /// The rule that allows it, as the audit calls it.
    public var rule: String
    /// The program's absolute path and its arguments; empty for an action or a file.
    public var argv: [String] = []
    /// Whether the program has to be root's alone: a named command or a shell, to be opened with
    /// `TrustedFile.openExecutable` before each run.
    public var needsTrustedProgram = false
    /// `nil`: whoever the service runs as.
    public var user: String?
    public var directory = "/"
    /// What is set beside PATH, LANG, HOME and TERM; a name stands once.
    public var environment: [EnvironmentVariable] = []
    public var limits = CommandLimits()
    public var allowsInput = false
    public var file: FileAllowance?

    public init(rule: String) {
        self.rule = rule
    }
}

/// Where a file action may act: to be opened with `FileDescriptor.openBeneath`.
public struct FileAllowance: Hashable, Sendable {
    /// The directory of the policy, absolute.
    public var directory: String
    /// The path below it.
    public var relativePath: String
    /// The most that the file may hold.
    public var bytesMax: Int
}

/// A refusal is no failure: nothing was started. The wire calls it `REFUSED_BY_POLICY`.
public struct Refusal: Hashable, Sendable, CustomStringConvertible {
    /// The rule that refuses it: `actions`, `commands.NAME`, `keys.KID`, ...
    public var rule: String
    /// Why, and what to change.
    public var reason: String

    public init(rule: String, reason: String) {
        self.rule = rule
        self.reason = reason
    }

    public var description: String { "refused by the rule \(rule): \(reason)" }
}
