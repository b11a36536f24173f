/// What could not be done with something that was received, `error`. Either side may send it, and
/// nobody answers it with another.
public struct ErrorMessage: WireMessage, Hashable, Sendable {
    public var code: ErrorCode
    /// The `id` of the message that it is about, if that had one.
    public var id: String?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?
    public var details: Details

    public struct Details: Hashable, Sendable {
        /// The limit that was passed, in bytes.
        public var limitBytes: UInt64?
        /// How long the line was, in bytes with its newline.
        public var bytes: UInt64?
        /// The `type` that was not understood, at most ``WireLimits/echoBytesMax`` of it.
        public var type: String?
        /// What is wrong and what to do, for people.
        public var reason: String?

        public init() {}
    }

    public init(
        _ code: ErrorCode, id: String? = nil, details: Details = Details(), wallMilliseconds: Int64
    ) {
        self.code = code
        self.id = id
        self.details = details
        self.wallMilliseconds = wallMilliseconds
    }

    /// A line over the cap, which was skipped.
    public static func messageTooLarge(bytes: UInt64, wallMilliseconds: Int64) -> ErrorMessage {
        var details = Details()
        details.limitBytes = UInt64(WireLimits.frameBytesMax)
        details.bytes = bytes
        return ErrorMessage(
            .messageTooLarge, details: details, wallMilliseconds: wallMilliseconds)
    }

    /// A frame that the reader refused.
    public static func invalid(_ error: JSONError, wallMilliseconds: Int64) -> ErrorMessage {
        var details = Details()
        details.reason = error.description
        return ErrorMessage(.invalidMessage, details: details, wallMilliseconds: wallMilliseconds)
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "error")
        writer.member("error", code.rawValue)
        if let id { writer.member("id", id) }
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        if details != Details() { details.encode(into: &writer) }
    }
}

extension ErrorMessage.Details {
    func encode(into writer: inout JSONWriter) {
        writer.beginObject("details")
        if let limitBytes { writer.member("limit", limitBytes) }
        if let bytes { writer.member("bytes", bytes) }
        if let type { writer.member("type", type) }
        if let reason { writer.member("reason", reason) }
        writer.endObject()
    }
}

extension ErrorMessage {
    /// `nil` without a code. Details of another shape than ours are passed over.
    init?(_ value: JSONValue) {
        var members = value.members
        guard let code = members.string("error") else { return nil }
        self.code = ErrorCode(rawValue: code)
        id = members.string("id")
        wallMilliseconds = members.timestamp("timestamp")
        details = Details()
        var innerMembers = members.value("details").members
        details.limitBytes = innerMembers.unsigned("limit")
        details.bytes = innerMembers.unsigned("bytes")
        details.type = innerMembers.string("type")
        details.reason = innerMembers.string("reason")
    }
}
