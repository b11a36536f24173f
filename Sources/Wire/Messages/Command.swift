/// Something that the host wants done, as far as it must be understood to refuse it.
public struct Command: Hashable, Sendable {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case safe = "SafeCommand"
        case unsafe = "UnsafeCommand"
        case exec = "Exec"
        case execInput = "exec_input"
        case cancel = "Cancel"
        case fileRead = "FileRead"
        case fileWrite = "FileWrite"
        case freeze = "Freeze"
        case thaw = "Thaw"
        case shutdown = "Shutdown"
        case reboot = "Reboot"
        case syncTime = "SyncTime"
        case pendingScripts = "pending_scripts_response"

        /// What a response calls it: InfiniService's word where it has one.
        public var responseType: String {
            switch self {
            case .safe: "safe"
            case .unsafe, .pendingScripts: "unsafe"
            default: rawValue
            }
        }
    }

    public var kind: Kind
    /// Echoed in the response, at most ``WireLimits/identifierBytesMax`` long. Pending scripts have
    /// one each.
    public var ids: [String]

    init(_ kind: Kind, ids: [String]) {
        self.kind = kind
        self.ids = ids
    }

    /// `nil` without an `id` that can be echoed.
    init?(_ kind: Kind, _ value: JSONValue) {
        if kind == .pendingScripts {
            guard let scripts = value.member("scripts"), scripts.type == .array else { return nil }
            self.init(kind, ids: [])
            var elements = scripts.elements
            while let script = elements.next() {
                guard let id = script.identifier("execution_id") else { return nil }
                ids.append(id)
            }
        } else {
            guard let id = value.identifier("id") else { return nil }
            self.init(kind, ids: [id])
        }
    }
}

/// A message inside a signature, `signed`. Whether the signature holds is for others to find out.
///
/// Source: protocol, "Commands" and "What the host in the field reads and sends".
public struct SignedEnvelope: Hashable, Sendable {
    /// 1 for InfiniService's, 2 for ours.
    public var version: UInt64
    /// The JSON text that was signed, verbatim: a message, to be parsed by a parser of its own.
    public var payload: String
    /// What is to be verified; `nil` when a member of it is missing or not as it should be.
    public var authentication: Authentication?

    public init(payload: String, authentication: Authentication) {
        version = authentication.version
        self.payload = payload
        self.authentication = authentication
    }

    init?(_ value: JSONValue) {
        var members = value.members
        guard let version = members.unsigned("v"), let payload = members.string("payload") else {
            return nil
        }
        self.version = version
        self.payload = payload
        authentication = Authentication(version: version, &members)
    }
}

extension JSONValue {
    /// A member that is a string of 1 to ``WireLimits/identifierBytesMax`` bytes.
    func identifier(_ name: StaticString) -> String? {
        guard let value = member(name), let utf8 = value.utf8,
            (1...WireLimits.identifierBytesMax).contains(utf8.count)
        else { return nil }
        return value.string
    }
}
