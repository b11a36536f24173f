/// Host to guest, `handshake_ack`: the answer to a handshake of a host that acknowledges.
///
/// Source: protocol, "Session".
public struct HandshakeAcknowledgement: WireMessage, Hashable, Sendable {
    /// The handshake's.
    public var epoch: Epoch
    /// The handshake's; an answer to another session is ignored.
    public var session: UInt64
    /// Everything up to this number is safe on the host's side.
    public var received: UInt64
    /// Unacknowledged bytes that the host takes at most.
    public var windowBytes: UInt64
    /// Without `ack` among them, the host only watches.
    public var capabilities: [String]
    public var isObserver = false
    /// K of each epoch that the handshake listed as spooled; `nil` from a host that does not know
    /// of them.
    public var spooled: [SpooledReceipt]?

    public init(
        epoch: Epoch, session: UInt64, received: UInt64, windowBytes: UInt64,
        capabilities: [String]
    ) {
        self.epoch = epoch
        self.session = session
        self.received = received
        self.windowBytes = windowBytes
        self.capabilities = capabilities
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "handshake_ack")
        writer.member("epoch", epoch)
        writer.member("session", session)
        writer.member("received", received)
        writer.member("window", windowBytes)
        writer.beginArray("capabilities")
        for capability in capabilities { writer.value(capability) }
        writer.endArray()
        if isObserver { writer.member("observer", true) }
        if let spooled { SpooledReceipt.encode(spooled, into: &writer) }
    }

    /// `nil` without epoch, session, received or window.
    init?(_ value: JSONValue) {
        var members = value.members
        guard let epoch = members.epoch("epoch"), let session = members.unsigned("session"),
            let received = members.unsigned("received"),
            let windowBytes = members.unsigned("window")
        else { return nil }
        self.init(
            epoch: epoch, session: session, received: received, windowBytes: windowBytes,
            capabilities: members.strings("capabilities"))
        isObserver = members.bool("observer") ?? false
        spooled = SpooledReceipt.list(members.value("spooled"))
    }
}

/// Host to guest, `ack`: everything up to a number is safe on the host's side.
public struct Acknowledgement: WireMessage, Hashable, Sendable {
    public var numbering: Numbering

    public init(_ numbering: Numbering) {
        self.numbering = numbering
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "ack")
        writer.members(numbering)
    }

    init?(_ value: JSONValue) {
        guard let numbering = Numbering(value) else { return nil }
        self.numbering = numbering
    }
}

extension Numbering {
    /// What a message says of its number; `nil` unless both `epoch` and `seq` are there.
    public init?(of message: JSONValue) { self.init(message) }

    /// `nil` unless both `epoch` and `seq` are there.
    init?(_ value: JSONValue) {
        var members = value.members
        guard let epoch = members.epoch("epoch"), let sequence = members.unsigned("seq") else {
            return nil
        }
        self.init(epoch: epoch, sequence: sequence)
    }
}
