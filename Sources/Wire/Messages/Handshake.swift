/// Guest to host, `handshake`: the first message of every session.
///
/// InfiniService's has what comes before ``offer``; a guest that acknowledges adds that.
public struct Handshake: WireMessage, Hashable, Sendable {
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?
    public var vmID: String
    /// The agent's.
    public var version: String
    public var platform = "linux"
    /// `metrics`, `safe_commands`, `unsafe_commands`, `ack` and so on.
    public var capabilities: [String]
    public var offer: SessionOffer?

    public init(
        vmID: String, version: String, capabilities: [String], offer: SessionOffer?,
        wallMilliseconds: Int64
    ) {
        self.vmID = vmID
        self.version = version
        self.capabilities = capabilities
        self.offer = offer
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "handshake")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.member("vm_id", vmID)
        writer.member("version", version)
        writer.member("platform", platform)
        writer.beginArray("capabilities")
        for capability in capabilities { writer.value(capability) }
        writer.endArray()
        offer?.encodeMembers(into: &writer)
    }

    /// Whatever is missing is empty: a handshake tells the host that somebody is there, above all.
    init(_ value: JSONValue) {
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        vmID = members.string("vm_id") ?? ""
        version = members.string("version") ?? ""
        platform = members.string("platform") ?? ""
        capabilities = members.strings("capabilities")
        offer = SessionOffer(value)
    }
}

/// What a guest offers to a host that acknowledges. Source: protocol, "Session".
public struct SessionOffer: Hashable, Sendable {
    public static let protocolName = "vireo/1"

    public var epoch: Epoch
    /// Counts handshakes within the epoch.
    public var session: UInt64
    /// The lowest number still kept.
    public var first: UInt64
    /// The next number that a new message will get.
    public var next: UInt64
    /// Numbers given up that the host has not acknowledged yet.
    public var gaps: [NumberRange] = []
    /// The epoch whose kept messages were renumbered in this one, after a snapshot was restored.
    public var forkedFrom: Epoch?
    /// What a spool on disk has of earlier epochs, the oldest first.
    public var spooled: [SpooledOffer] = []

    public init(epoch: Epoch, session: UInt64, first: UInt64, next: UInt64) {
        self.epoch = epoch
        self.session = session
        self.first = first
        self.next = next
    }

    func encodeMembers(into writer: inout JSONWriter) {
        writer.member("protocol", Self.protocolName)
        writer.member("epoch", epoch)
        writer.member("session", session)
        writer.member("first", first)
        writer.member("next", next)
        writer.beginArray("gaps")
        for gap in gaps {
            writer.beginArray()
            writer.value(gap.from)
            writer.value(gap.to)
            writer.endArray()
        }
        writer.endArray()
        if let forkedFrom { writer.member("forked_from", forkedFrom) }
        SpooledOffer.encode(spooled, into: &writer)
    }

    /// `nil` unless the protocol is ours and every member is there and makes sense.
    init?(_ value: JSONValue) {
        var members = value.members
        guard members.value("protocol").equals("vireo/1"),
            let epoch = members.epoch("epoch"),
            let session = members.unsigned("session"),
            let first = members.unsigned("first"),
            let next = members.unsigned("next"), first <= next,
            let gaps = Self.gaps(members.value("gaps")),
            let spooled = SpooledOffer.list(members.value("spooled"))
        else { return nil }
        self.init(epoch: epoch, session: session, first: first, next: next)
        self.gaps = gaps
        forkedFrom = members.epoch("forked_from")
        self.spooled = spooled
    }

    private static func gaps(_ value: JSONValue) -> [NumberRange]? {
        var gaps: [NumberRange] = []
        var elements = value.elements
        while let pair = elements.next() {
            var ends = pair.elements
            guard pair.count == 2, let from = ends.next()?.unsigned, let to = ends.next()?.unsigned,
                from <= to
            else { return nil }
            gaps.append(NumberRange(from: from, to: to))
        }
        return value.type == .array ? gaps : nil
    }
}

/// Numbers of messages, both ends included: `[from,to]` on the wire.
public struct NumberRange: Hashable, Sendable {
    public var from: UInt64
    public var to: UInt64

    public init(from: UInt64, to: UInt64) {
        precondition(from <= to, "a range runs upwards")
        self.from = from
        self.to = to
    }
}

extension JSONMembers {
    mutating func epoch(_ name: StaticString) -> Epoch? { string(name).flatMap { Epoch($0) } }

    /// The strings of an array; what else is in it is passed over.
    mutating func strings(_ name: StaticString) -> [String] {
        var strings: [String] = []
        var elements = value(name).elements
        while let element = elements.next() {
            if let string = element.string { strings.append(string) }
        }
        return strings
    }
}
