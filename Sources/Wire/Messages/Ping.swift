/// Guest to host, `ping`: InfiniService sends it while it has nothing else to say. Nobody answers.
public struct Ping: WireMessage, Hashable, Sendable {
    public var sequence: UInt64
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64

    public init(sequence: UInt64, wallMilliseconds: Int64) {
        self.sequence = sequence
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "ping")
        writer.member("timestamp", timestamp: wallMilliseconds)
        writer.member("sequence", sequence)
    }

    /// `nil` without a sequence.
    init?(_ value: JSONValue) {
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp") ?? 0
        guard let sequence = members.unsigned("sequence") else { return nil }
        self.sequence = sequence
    }
}
