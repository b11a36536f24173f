public import Wire

/// Who decides what may be run: a policy and the signatures that it asks for.
///
/// Nothing is started before ``admit(_:_:)`` has said yes, and no text of an envelope is parsed
/// before ``verify(_:)`` has.
public protocol CommandAuthority: AnyObject {
    /// An agent has connected: the life that commands and envelopes have to be meant for.
    func begin(epoch: Epoch, vmID: String)

    /// Checks who signed an envelope.
    func verify(_ envelope: SignedEnvelope) -> EnvelopeVerdict

    /// Decides on one request. `message` is the whole of it, for actions that read their own
    /// parameters.
    func admit(_ request: CommandRequest, _ message: JSONValue) -> Admission

    /// The configuration may have changed; a bad one keeps the old.
    func reload()
}

/// What an envelope turned out to be.
public enum EnvelopeVerdict: Hashable, Sendable {
    /// The signature holds, by the key of that id.
    case signed(by: String)
    /// There is no key to check it with: its contents count as if nobody had signed them.
    case unsigned
    case refused(AdmissionRefusal)
}

/// What a policy says to a request.
public enum Admission {
    /// A program is to be run.
    case run(CommandSpecification, rule: String)
    /// An action is to be carried out, as ``ActionPlanner`` plans it.
    case action(rule: String, timeoutSeconds: Double?)
    /// The policy itself knows how: a file that it has to open.
    case plan(ActionPlan, rule: String, timeoutSeconds: Double?)
    case refused(AdmissionRefusal)
}

/// A request that is not carried out: nothing was started.
public struct AdmissionRefusal: Error, Hashable, Sendable {
    public var code: ErrorCode
    /// Why, and what to change.
    public var reason: String
    /// The rule that refuses it.
    public var rule: String
    /// The constant's name where a system call said why: `ENOENT` for a program that is not there.
    public var errnoName: String?

    public init(
        _ code: ErrorCode = .refusedByPolicy, reason: String, rule: String,
        errnoName: String? = nil
    ) {
        self.code = code
        self.reason = reason
        self.rule = rule
        self.errnoName = errnoName
    }
}

/// Who knows how the named actions are carried out.
public protocol ActionPlanner: AnyObject {
    /// Whether the request changes nothing, whatever its parameters are.
    func isReadOnly(_ kind: Command.Kind, _ message: JSONValue) -> Bool

    /// How it is to be carried out, before anything is.
    func plan(_ kind: Command.Kind, _ message: JSONValue) throws(ActionFailure) -> ActionPlan
}
