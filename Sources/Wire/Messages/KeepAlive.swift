/// A sign of life: the host asks with `keep_alive_request`, the guest answers with `keep_alive`,
/// and the host in the field answers that with `keep_alive_response`, which must never be answered.
public struct KeepAlive: WireMessage, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case request = "keep_alive_request"
        case answer = "keep_alive"
        case response = "keep_alive_response"
    }

    public var kind: Kind
    /// The answer carries the request's.
    public var sequenceNumber: UInt64
    /// Milliseconds since 1970 UTC of the sender's clock.
    public var wallMilliseconds: Int64?

    public init(_ kind: Kind, sequenceNumber: UInt64, wallMilliseconds: Int64) {
        self.kind = kind
        self.sequenceNumber = sequenceNumber
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", kind.rawValue)
        writer.member("sequence_number", sequenceNumber)
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
    }

    /// A `keep_alive_response`, which a guest may look at but never answers; `nil` for another
    /// type or without a sequence number.
    public init?(response root: JSONValue) {
        guard root.member("type")?.equals("keep_alive_response") == true else { return nil }
        self.init(.response, root)
    }

    /// `nil` without a sequence number. The time may be a string, a number or missing.
    init?(_ kind: Kind, _ value: JSONValue) {
        var members = value.members
        guard let sequenceNumber = members.unsigned("sequence_number") else { return nil }
        self.kind = kind
        self.sequenceNumber = sequenceNumber
        wallMilliseconds = members.timestamp("timestamp")
    }
}
