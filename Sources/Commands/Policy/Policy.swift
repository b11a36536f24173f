public import Kernel
public import YAML

/// What may be asked of this machine, and by whom.
///
/// ```swift
/// let policy = try Policy.load("/etc/vireo/policy.yaml")
/// switch policy.decide(request) {
/// case .allowed(let allowance): run(allowance)
/// case .refused(let refusal): answer(.refusedByPolicy, refusal)
/// }
/// ```
///
/// Without a file only actions that change nothing are allowed. ``decide(_:)`` is pure: it looks at
/// the request and at nothing else. How a file is written is said by ``PolicySample``; `vireo
/// config sample --policy safe` prints one.
public struct Policy: Hashable, Sendable {
    /// Which requests have to be signed.
    public enum SignatureRequirement: String, CaseIterable, Hashable, Sendable {
        case none
        /// All but actions that change nothing.
        case changes
        case all
    }

    public var actions: [ActionRule]
    public var commands: [CommandRule] = []
    /// `nil`: none may run.
    public var rawCommands: RawRule?
    /// `nil`: they are not even requested.
    public var pendingScripts: RawRule?
    public var files = FileRule()
    public var keys: [PolicyKey] = []
    public var signatures = SignatureRequirement.none
    /// For actions; other rules have their own, which begin as these.
    public var limits = CommandLimits()

    public init(actions: [ActionRule]) {
        self.actions = actions
    }

    /// Where there is no file: actions that change nothing.
    public static let `default` = Policy(actions: [ActionRule("read_only")])

    /// Whether pending scripts may be requested from the host.
    public var requestsPendingScripts: Bool { pendingScripts != nil }

    /// Reads a policy from a file in the right hands, and looks at the programs that it names.
    ///
    /// - Throws: ``PolicyError``, which says where and what to change.
    public static func load(_ path: String) throws(PolicyError) -> Policy {
        let bytes: [UInt8]
        do {
            bytes = try TrustedFile.read(path, bytesMax: PolicyLimits.fileBytesMax)
        } catch {
            throw .untrusted(error)
        }
        let policy = try Policy(parsing: bytes, file: path)
        try policy.checkPrograms()
        return policy
    }

    /// The keys that a policy's file may have.
    public static var keysKnown: [String] { PolicyReader.keysKnown }

    /// Reads a policy's text.
    public init(parsing bytes: [UInt8], file: String) throws(PolicyError) {
        do {
            self = try PolicyReader(root: try YAML.parse(bytes, file: file)).policy()
        } catch {
            throw .text(error)
        }
    }

    /// Whether every program that a rule names is root's alone.
    public func checkPrograms() throws(PolicyError) {
        for command in commands { try check(command.path, command.ruleName) }
        for shell in rawCommands?.shells ?? [] { try check(shell, "raw_commands") }
        for shell in pendingScripts?.shells ?? [] { try check(shell, "pending_scripts") }
    }

    private func check(_ path: String, _ rule: String) throws(PolicyError) {
        do {
            _ = try TrustedFile.openExecutable(path)
        } catch {
            throw .program(rule: rule, error)
        }
    }
}

/// Why a policy was refused. The one before stays in force.
public enum PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    case untrusted(TrustedFileError)
    case text(YAMLError)
    case program(rule: String, TrustedFileError)

    /// Where, what, and what to do.
    public var description: String {
        switch self {
        case .untrusted(let error): "the policy is not trusted: \(error)"
        case .text(let error): "\(error)"
        case .program(let rule, let error):
            "the rule \(rule) names a program that cannot be run: \(error)"
        }
    }
}
