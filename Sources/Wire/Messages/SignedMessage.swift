/// Host to guest, `signed`: a message in an envelope, with every field of both kinds of envelope.
///
/// Nothing here says that the signature holds. What was signed is ``signedText``; the payload is
/// parsed by a parser of its own, after that was checked.
///
/// Source: protocol, "Commands" (version 2) and "What the host in the field reads and sends"
/// (version 1).
public struct SignedMessage: WireMessage, Hashable, Sendable {
    /// What tells one envelope from another.
    public enum Kind: Hashable, Sendable {
        /// InfiniService's: HMAC-SHA256 with the secret of the virtual machine. `v`, `ts`, `nonce`.
        case dated(milliseconds: Int64, nonce: String)
        /// Ours: no clock is needed, since `n` grows for each key and epoch.
        case counted(Counted)
    }

    /// The fields of version 2.
    public struct Counted: Hashable, Sendable {
        /// `ed25519` or `hmac-sha256`.
        public var algorithm: String
        public var keyID: String
        public var vmID: String
        public var epoch: Epoch
        public var number: UInt64

        public init(
            algorithm: String, keyID: String, vmID: String, epoch: Epoch, number: UInt64
        ) {
            self.algorithm = algorithm
            self.keyID = keyID
            self.vmID = vmID
            self.epoch = epoch
            self.number = number
        }
    }

    public var kind: Kind
    /// The JSON text that was signed, verbatim.
    public var payload: String
    /// Hexadecimal digits.
    public var signature: String

    public init(_ kind: Kind, payload: String, signature: String) {
        self.kind = kind
        self.payload = payload
        self.signature = signature
    }

    /// The bytes that the signature is over.
    public var signedText: String {
        switch kind {
        case .dated(let milliseconds, let nonce): "1\n\(milliseconds)\n\(nonce)\n\(payload)"
        case .counted(let fields):
            """
            vireo-signed-2
            \(fields.algorithm)
            \(fields.keyID)
            \(fields.vmID)
            \(fields.epoch)
            \(fields.number)
            \(payload)
            """
        }
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "signed")
        switch kind {
        case .dated(let milliseconds, let nonce):
            writer.member("v", 1)
            writer.member("ts", milliseconds)
            writer.member("nonce", nonce)
        case .counted(let fields):
            writer.member("v", 2)
            writer.member("alg", fields.algorithm)
            writer.member("kid", fields.keyID)
            writer.member("vm", fields.vmID)
            writer.member("epoch", fields.epoch)
            writer.member("n", fields.number)
        }
        writer.member("payload", payload)
        writer.member("sig", signature)
    }

    /// `nil` for a version that is neither, when a field of its kind is missing, and when one that
    /// is signed has a line break: the lines of ``signedText`` have to be told apart.
    public init?(_ root: JSONValue) {
        var members = root.members
        guard let version = members.unsigned("v"),
            let kind = Kind(version: version, root),
            let payload = members.string("payload"), let signature = members.string("sig")
        else { return nil }
        self.init(kind, payload: payload, signature: signature)
    }
}

extension SignedMessage.Kind {
    fileprivate init?(version: UInt64, _ root: JSONValue) {
        var members = root.members
        switch version {
        case 1:
            guard let milliseconds = members.integer("ts"), let nonce = members.line("nonce")
            else { return nil }
            self = .dated(milliseconds: milliseconds, nonce: nonce)
        case 2:
            guard let algorithm = members.line("alg"), let keyID = members.line("kid"),
                let vmID = members.line("vm"), let epoch = members.epoch("epoch"),
                let number = members.unsigned("n")
            else { return nil }
            self = .counted(
                SignedMessage.Counted(
                    algorithm: algorithm, keyID: keyID, vmID: vmID, epoch: epoch, number: number))
        default: return nil
        }
    }
}

extension JSONMembers {
    /// A string without a line break in it.
    fileprivate mutating func line(_ name: StaticString) -> String? {
        guard let text = string(name), !text.utf8.contains(0x0A) else { return nil }
        return text
    }
}
