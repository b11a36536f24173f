/// How a command ended. Source: protocol, "Commands".
public enum CommandOutcome: String, CaseIterable, Hashable, Sendable {
    case exited
    case signalled
    case timedOut = "timed_out"
    case cancelled
    case refused
    case failedToStart = "failed_to_start"
}

/// Guest to host, `response`: what became of a command.
public struct CommandResponse: WireMessage, Hashable, Sendable {
    /// The command's.
    public var id: String
    public var success: Bool
    /// `nil` when there was none: a signal, or nothing was run.
    public var exitCode: Int64?
    public var stdout = ""
    public var stderr = ""
    public var executionMilliseconds: UInt64 = 0
    /// `safe`, `unsafe`, or the action's name where the host parses what it printed.
    public var commandType = ""
    /// An ``ErrorCode`` of ours, or another agent's words. The host in the field shows it.
    public var error: String?
    public var outcome: CommandOutcome?
    /// The member `data`, as JSON that the sender vouches for; `nil` for one with just ``outcome``.
    /// Not set in what was received.
    public var dataJSON: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(id: String, success: Bool, commandType: String, wallMilliseconds: Int64) {
        self.id = id
        self.success = success
        self.commandType = commandType
        self.wallMilliseconds = wallMilliseconds
    }

    /// A command that was not run. `reason` says what to change; people see it as standard error.
    public static func refusal(
        of kind: Command.Kind, id: String, _ code: ErrorCode, reason: String,
        wallMilliseconds: Int64
    ) -> CommandResponse {
        var response = CommandResponse(
            id: id, success: false, commandType: kind.responseType,
            wallMilliseconds: wallMilliseconds)
        response.error = code.rawValue
        response.stderr = reason
        response.outcome = .refused
        return response
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "response")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("id", id)
        writer.member("success", success)
        if let exitCode { writer.member("exit_code", exitCode) }
        writer.member("stdout", stdout)
        writer.member("stderr", stderr)
        writer.member("execution_time_ms", executionMilliseconds)
        writer.member("command_type", commandType)
        if let error { writer.member("error", error) }
        if let dataJSON {
            writer.key("data")
            writer.raw(dataJSON)
        } else if let outcome {
            writer.beginObject("data")
            writer.member("outcome", outcome.rawValue)
            writer.endObject()
        }
    }

    /// `nil` without `id` or `success`.
    init?(_ value: JSONValue) {
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        numbering = Numbering(value)
        guard let id = members.string("id"), let success = members.bool("success") else {
            return nil
        }
        self.id = id
        self.success = success
        exitCode = members.integer("exit_code")
        stdout = members.string("stdout") ?? ""
        stderr = members.string("stderr") ?? ""
        executionMilliseconds = members.unsigned("execution_time_ms") ?? 0
        commandType = members.string("command_type") ?? ""
        error = members.string("error")
        var data = members.value("data").members
        outcome = data.string("outcome").flatMap { CommandOutcome(rawValue: $0) }
    }
}
