public import Wire

/// A signed message as it came, with every member that a signature may cover. Nothing in it is to
/// be believed before ``CommandAuthority/verify(_:)``.
public struct CommandEnvelope: Hashable, Sendable {
    /// 1 for InfiniService's, 2 for ours.
    public var version: UInt64
    /// What was signed, verbatim.
    public var payload: String
    /// The signature, in hexadecimal.
    public var signature: String
    /// Of version 2.
    public var algorithm: String?
    public var keyID: String?
    public var vmID: String?
    public var epoch: String?
    public var number: UInt64?
    /// Of version 1: milliseconds since 1970, and a UUID.
    public var timestampMilliseconds: UInt64?
    public var nonce: String?

    /// `nil` when a member that every envelope has is missing.
    public init?(_ value: JSONValue) {
        guard value.member("type")?.equals("signed") ?? false,
            let version = value.member("v")?.unsigned,
            let payload = value.member("payload")?.string,
            let signature = value.member("sig")?.string
        else { return nil }
        self.version = version
        self.payload = payload
        self.signature = signature
        algorithm = value.member("alg")?.string
        keyID = value.member("kid")?.string
        vmID = value.member("vm")?.string
        epoch = value.member("epoch")?.string
        number = value.member("n")?.unsigned
        timestampMilliseconds = value.member("ts")?.unsigned
        nonce = value.member("nonce")?.string
    }
}
