/// Host to guest, `SafeCommand`: an action by name.
///
/// Source: InfiniService's message of that name. Arguments come in three places: beside the action
/// in `command_type` (its documents), in `command_type.params` (its host), and in `params`.
public struct SafeCommand: WireMessage, Hashable, Sendable {
    /// 1 to ``WireLimits/identifierBytesMax`` bytes.
    public var id: String
    /// `ServiceControl`, `ProcessList` and so on.
    public var action: String
    /// The action's arguments, an object as JSON that the sender vouches for.
    public var paramsJSON: String?
    public var timeoutSeconds: UInt64?
    /// The life of the agent that it is for; `nil` from a host that knows none.
    public var epoch: Epoch?

    public init(id: String, action: String) {
        self.id = id
        self.action = action
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "SafeCommand")
        writer.member("id", id)
        if let epoch { writer.member("epoch", epoch) }
        writer.beginObject("command_type")
        writer.member("action", action)
        writer.member("params", json: paramsJSON)
        writer.endObject()
        if let timeoutSeconds { writer.member("timeout", timeoutSeconds) }
    }

    /// `nil` without an id that can be echoed, or without an action. ``paramsJSON`` is one object,
    /// wherever the arguments stood.
    public init?(_ root: JSONValue) {
        guard let id = root.identifier("id"), let kind = root.member("command_type"),
            let action = kind.member("action")?.string
        else { return nil }
        self.init(id: id, action: action)
        var members = root.members
        epoch = members.epoch("epoch")
        timeoutSeconds = members.unsigned("timeout")
        paramsJSON =
            Self.object(kind.member("params")) ?? Self.object(root.member("params"))
            ?? Self.flatArguments(kind)
    }

    private static func object(_ value: JSONValue?) -> String? {
        guard let value, value.type == .object else { return nil }
        return value.json()
    }

    /// What stands beside the action; `nil` when nothing does.
    private static func flatArguments(_ kind: JSONValue) -> String? {
        guard kind.count > 1 else { return nil }
        return JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            writer.beginObject()
            var members = kind.members
            while let member = members.next() {
                if member.name.equals("action") || member.name.equals("params") { continue }
                writer.key(member.name.string ?? "")
                writer.value(member.value)
            }
            writer.endObject()
        }
    }

    /// One argument of a message that was parsed, wherever it stands; `nil` when it is in none of
    /// the three places.
    @_lifetime(copy root)
    public static func argument(_ name: StaticString, of root: JSONValue) -> JSONValue? {
        guard let kind = root.member("command_type") else { return nil }
        if let value = kind.member("params")?.member(name) { return value }
        if let value = kind.member(name) { return value }
        return root.member("params")?.member(name)
    }
}
