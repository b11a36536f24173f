/// Guest to host, `skipped`: these numbers were given up and will not come.
///
/// It stands in the stream where the numbers would, and each handshake repeats it among its gaps
/// until it is acknowledged. Source: protocol, "Session", jumps.
public struct Skipped: WireMessage, Hashable, Sendable {
    public var epoch: Epoch
    public var range: NumberRange
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(epoch: Epoch, range: NumberRange, wallMilliseconds: Int64) {
        self.epoch = epoch
        self.range = range
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "skipped")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.member("epoch", epoch)
        writer.member("from", range.from)
        writer.member("to", range.to)
    }

    /// `nil` without an epoch and a range that runs upwards.
    init?(_ value: JSONValue) {
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        guard let epoch = members.epoch("epoch"), let from = members.unsigned("from"),
            let to = members.unsigned("to"), from <= to
        else { return nil }
        self.epoch = epoch
        range = NumberRange(from: from, to: to)
    }
}
