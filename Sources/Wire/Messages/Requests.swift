/// Host to guest, `Metrics`: take a sample and send it now.
public struct MetricsRequest: WireMessage, Hashable, Sendable {
    public var id: String?

    public init(id: String? = nil) {
        self.id = id
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "Metrics")
        if let id { writer.member("id", id) }
    }
}

/// Host to guest, `handshake_request`: a host of ours sends it on each connect, after a lone
/// newline, and whenever it wants the session to begin anew.
public struct HandshakeRequest: WireMessage, Hashable, Sendable {
    public init() {}

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "handshake_request")
    }
}
