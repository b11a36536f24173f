/// Guest to host, `circuit_breaker_state`: InfiniService's breaker on its own port. This agent has
/// none: it waits for its host by an edge.
public struct CircuitBreakerState: WireMessage, Hashable, Sendable {
    public enum State: String, CaseIterable, Hashable, Sendable {
        case closed = "Closed"
        case open = "Open"
        case halfOpen = "HalfOpen"
    }

    public var state: State
    public var failureCount: UInt64 = 0
    /// Milliseconds since 1970 UTC.
    public var lastFailureWallMilliseconds: Int64?
    public var recoverySeconds: UInt64?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC; InfiniService sends a number.
    public var wallMilliseconds: Int64?

    public init(_ state: State, failureCount: UInt64, wallMilliseconds: Int64) {
        self.state = state
        self.failureCount = failureCount
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "circuit_breaker_state")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("state", state.rawValue)
        writer.member("failure_count", failureCount)
        if let lastFailureWallMilliseconds {
            writer.member("last_failure_time", timestamp: lastFailureWallMilliseconds)
        }
        if let recoverySeconds { writer.member("recovery_eta_seconds", recoverySeconds) }
    }

    /// `nil` without a state that is known.
    init?(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        guard let state = members.string("state").flatMap({ State(rawValue: $0) }) else {
            return nil
        }
        self.state = state
        failureCount = members.unsigned("failure_count") ?? 0
        lastFailureWallMilliseconds = members.timestamp("last_failure_time")
        recoverySeconds = members.unsigned("recovery_eta_seconds")
    }
}

/// Guest to host, `connection_status`: how InfiniService's agent sees its own connection.
public struct ConnectionStatus: WireMessage, Hashable, Sendable {
    /// `connected`, `connected_pending_ips`, `disconnected`, `retrying`, `monitoring`,
    /// `circuit_breaker_open`, `degraded`, `keep_alive_timeout`, or a later agent's word.
    public var state: String
    /// For people, or an object; as JSON that the sender vouches for.
    public var detailsJSON: String?
    public var vmID: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(state: String, wallMilliseconds: Int64) {
        self.state = state
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "connection_status")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("state", state)
        writer.member("details", json: detailsJSON)
        if let vmID { writer.member("vm_id", vmID) }
    }

    /// `nil` without a state.
    init?(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        guard let state = members.string("state") else { return nil }
        self.state = state
        detailsJSON = members.value("details").json()
        vmID = members.string("vm_id")
    }
}
