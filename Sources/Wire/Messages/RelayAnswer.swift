/// What the executor says of a command: a message to the host but for its time and number, which
/// the agent adds.
public struct RelayAnswer: Hashable, Sendable {
    /// How the message leaves the agent.
    public enum Class: String, Hashable, Sendable {
        /// A refusal: at once, without a number, and the command counts as never sent.
        case control
        case results
    }

    public var key: UInt64
    public var `class`: Class
    /// Whether it is the command's last.
    public var isLast: Bool
    public var message: RelayedMessage
    /// Bytes of the frame, with its newline: what credit is given for.
    public var frameBytes: Int

    /// - Parameters:
    ///   - root: the frame's object.
    ///   - frameBytes: how long the frame was, with its newline.
    public init?(_ root: JSONValue, frameBytes: Int) {
        var members = root.members
        guard members.value("type").equals("answer"), let key = members.unsigned("key"),
            let name = members.string("class"), let `class` = Class(rawValue: name),
            let isLast = members.bool("is_last"),
            let message = RelayedMessage(members.value("message"))
        else { return nil }
        self.key = key
        self.`class` = `class`
        self.isLast = isLast
        self.message = message
        self.frameBytes = frameBytes
    }

    /// One that was sent before, for a host that asks again.
    public init(repeating message: RelayedMessage) {
        self.init(key: 0, lost: message)
        isLast = false
    }

    /// The last of a command whose executor is gone: nobody gets credit for it.
    public init(key: UInt64, lost message: RelayedMessage) {
        self.key = key
        self.`class` = .results
        isLast = true
        self.message = message
        frameBytes = 0
    }

    /// Writes the frame that ``init(_:frameBytes:)`` reads.
    public static func encode(
        key: UInt64, class: Class, isLast: Bool, message: some WireMessage,
        into writer: inout JSONWriter
    ) -> FrameOutcome {
        let start = writer.beginFrame()
        writer.member("type", "answer")
        writer.member("key", key)
        writer.member("class", `class`.rawValue)
        writer.member("is_last", isLast)
        writer.beginObject("message")
        message.encodeMembers(into: &writer)
        writer.endObject()
        return writer.endFrame(start)
    }
}

/// A message of the executor's on its way to the host: `response`, `exec_output` or
/// `script_completion`.
public struct RelayedMessage: WireMessage, Hashable, Sendable {
    public var type: String
    /// The command's.
    public var id: String
    /// All other members, as our own writer wrote them: `"id":"7","success":true`.
    public var membersJSON: String
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC, stamped when it is written.
    public var wallMilliseconds: Int64?

    /// Roughly the bytes of its frame.
    public var byteCount: Int { membersJSON.utf8.count + 160 }

    init?(_ value: JSONValue) {
        guard let type = value.member("type")?.string,
            ["response", "exec_output", "script_completion"].contains(type),
            let id = value.identifier(type == "script_completion" ? "execution_id" : "id"),
            let members = value.membersText(without: ["type", "timestamp", "epoch", "seq"])
        else { return nil }
        self.type = type
        self.id = id
        membersJSON = members
    }

    /// A response that the agent gives itself; it must have neither number nor time yet.
    public init?(_ response: CommandResponse) {
        precondition(response.numbering == nil && response.wallMilliseconds == nil)
        self.init("response", id: response.id, response)
    }

    /// What became of a script, as the agent says it itself; without number and time.
    public init?(_ completion: ScriptCompletion) {
        precondition(completion.numbering == nil && completion.wallMilliseconds == nil)
        self.init("script_completion", id: completion.executionID, completion)
    }

    private init?(_ type: String, id: String, _ message: some WireMessage) {
        let start = "\"type\":\"\(type)\","
        let text = JSONText.make(bytesMax: WireLimits.frameBytesMax) {
            message.encodeMembers(into: &$0)
        }
        guard let text, text.hasPrefix(start) else { return nil }
        self.type = type
        self.id = id
        membersJSON = String(text.dropFirst(start.count))
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", type)
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.raw(membersJSON)
    }
}

extension JSONValue {
    /// The members of an object as a text without braces; `nil` when it has none or is too long.
    func membersText(without names: [String]) -> String? {
        let text = JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            var members = self.members
            while let member = members.next() {
                guard let name = member.name.string, !names.contains(name) else { continue }
                writer.key(name)
                writer.value(member.value)
            }
        }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}
