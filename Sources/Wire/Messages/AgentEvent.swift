/// Guest to host, `agent_event`: something that an operator of the guest should know of.
///
/// Source: InfiniService's message of that name; `executionId` is spelt so there.
public struct AgentEvent: WireMessage, Hashable, Sendable {
    /// `info`, `warning`, `error` or another agent's word.
    public var severity: String
    /// Which part of the agent it comes from.
    public var source: String
    /// For people.
    public var message: String
    /// The command or script that it is about, if it is about one.
    public var executionID: String?
    /// Whatever else belongs to it, as JSON that the sender vouches for.
    public var contextJSON: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(severity: String, source: String, message: String, wallMilliseconds: Int64) {
        self.severity = severity
        self.source = source
        self.message = message
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "agent_event")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("severity", severity)
        writer.member("source", source)
        writer.member("message", message)
        if let executionID { writer.member("executionId", executionID) }
        writer.member("context", json: contextJSON)
    }

    /// `nil` without a message.
    init?(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        guard let message = members.string("message") else { return nil }
        self.message = message
        wallMilliseconds = members.timestamp("timestamp")
        severity = members.string("severity") ?? ""
        source = members.string("source") ?? ""
        executionID = members.string("executionId")
        contextJSON = members.value("context").json()
    }
}

/// Guest to host, `firewall_event`: InfiniService's, of which no more is known than that its host
/// takes it. What it carries is kept as it came.
public struct FirewallEvent: WireMessage, Hashable, Sendable {
    /// The member `data`, as JSON that the sender vouches for.
    public var dataJSON: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(dataJSON: String?, wallMilliseconds: Int64) {
        self.dataJSON = dataJSON
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "firewall_event")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("data", json: dataJSON)
    }

    init(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        dataJSON = members.value("data").json()
    }
}

extension JSONWriter {
    /// A member that is JSON already; nothing for `nil`.
    mutating func member(_ name: StaticString, json: String?) {
        guard let json else { return }
        key(name)
        raw(json)
    }
}
