/// What somebody wants done, as far as a policy has to know it.
public struct PolicyRequest: Hashable, Sendable {
    public enum Operation: Hashable, Sendable {
        /// A `SafeCommand`, or `Freeze`, `Thaw`, `Shutdown`, `Reboot`, `SyncTime`: its name, what
        /// it is to do (`restart`) and to what (a service, a package), where there is such a thing.
        case action(String, operation: String? = nil, target: String? = nil)
        /// `Exec`: the path of a program, or the name of a rule for one, and its arguments.
        case exec([String])
        /// `UnsafeCommand`.
        case shell(String, shell: String?)
        case pendingScript(String, shell: String?)
        case fileRead(path: String)
        case fileWrite(path: String)
        /// Ending a command, or feeding its standard input.
        case cancel, input
    }

    /// What speaks for a request.
    public enum Authority: Hashable, Sendable {
        /// Neither the agent's epoch nor a signature that was verified.
        case none
        /// It names the agent's epoch, so that it is not an old one.
        case epoch
        /// A signature that was verified, with the key of that id.
        case signed(String)
    }

    public var operation: Operation
    public var authority: Authority
    public var runAs: String?
    public var directory: String?
    public var environment: [EnvironmentVariable] = []
    public var limits = RequestedLimits()
    /// Whether standard input is to be fed.
    public var hasInput = false

    public init(_ operation: Operation, authority: Authority) {
        self.operation = operation
        self.authority = authority
    }

    /// Whether it changes nothing.
    public var isReadOnly: Bool {
        guard case .action(let name, let operation, _) = self.operation else { return false }
        return ActionNames.isReadOnly(name, operation: operation)
    }
}
