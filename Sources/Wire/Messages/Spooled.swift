/// An epoch in a handshake's `spooled`: messages that an earlier life of the agent left on disk.
///
/// Source: protocol, "Session", disk.
public struct SpooledOffer: Hashable, Sendable {
    public var epoch: Epoch
    /// The lowest number.
    public var first: UInt64
    /// The number behind the last one.
    public var next: UInt64

    public init(epoch: Epoch, first: UInt64, next: UInt64) {
        self.epoch = epoch
        self.first = first
        self.next = next
    }

    /// Nothing when there are none, as from an agent without a spool.
    static func encode(_ list: [SpooledOffer], into writer: inout JSONWriter) {
        guard !list.isEmpty else { return }
        writer.beginArray("spooled")
        for spooled in list {
            writer.beginObject()
            writer.member("epoch", spooled.epoch)
            writer.member("first", spooled.first)
            writer.member("next", spooled.next)
            writer.endObject()
        }
        writer.endArray()
    }

    /// Empty when it is missing; `nil` unless all of it makes sense.
    static func list(_ value: JSONValue) -> [SpooledOffer]? {
        guard value.type != .missing else { return [] }
        guard value.type == .array else { return nil }
        var list: [SpooledOffer] = []
        var elements = value.elements
        while let element = elements.next() {
            var members = element.members
            guard let epoch = members.epoch("epoch"), let first = members.unsigned("first"),
                let next = members.unsigned("next"), first <= next
            else { return nil }
            list.append(SpooledOffer(epoch: epoch, first: first, next: next))
        }
        return list
    }
}

/// An epoch in a handshake_ack's `spooled`: what the host has of it.
public struct SpooledReceipt: Hashable, Sendable {
    public var epoch: Epoch
    /// Everything up to this number is safe on the host's side.
    public var received: UInt64

    public init(epoch: Epoch, received: UInt64) {
        self.epoch = epoch
        self.received = received
    }

    static func encode(_ list: [SpooledReceipt], into writer: inout JSONWriter) {
        writer.beginArray("spooled")
        for spooled in list {
            writer.beginObject()
            writer.member("epoch", spooled.epoch)
            writer.member("received", spooled.received)
            writer.endObject()
        }
        writer.endArray()
    }

    /// `nil` when it is missing. What makes no sense in it is passed over: nothing is known of that
    /// epoch then.
    static func list(_ value: JSONValue) -> [SpooledReceipt]? {
        guard value.type == .array else { return nil }
        var list: [SpooledReceipt] = []
        var elements = value.elements
        while let element = elements.next() {
            var members = element.members
            guard let epoch = members.epoch("epoch"),
                let received = members.unsigned("received")
            else { continue }
            list.append(SpooledReceipt(epoch: epoch, received: received))
        }
        return list
    }
}
