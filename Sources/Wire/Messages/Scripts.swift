/// Guest to host, `request_pending_scripts`: asks for what should have run while the guest was
/// away. Answered by ``PendingScripts``.
public struct PendingScriptsRequest: WireMessage, Hashable, Sendable {
    public var vmID: String
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64

    public init(vmID: String, wallMilliseconds: Int64) {
        self.vmID = vmID
        self.wallMilliseconds = wallMilliseconds
    }

    /// InfiniService has the time twice.
    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "request_pending_scripts")
        writer.member("timestamp", timestamp: wallMilliseconds)
        writer.member("vm_id", vmID)
        writer.member("request_timestamp", timestamp: wallMilliseconds)
    }

    /// Whatever is missing is empty: that it asks is all that matters.
    init(_ value: JSONValue) {
        var members = value.members
        let stamped = members.timestamp("timestamp")
        vmID = members.string("vm_id") ?? ""
        wallMilliseconds = stamped ?? members.timestamp("request_timestamp") ?? 0
    }
}

/// A script that the host wants run. Source: InfiniService's message `pending_scripts_response`.
public struct PendingScript: Hashable, Sendable {
    /// 1 to ``WireLimits/identifierBytesMax`` bytes; named in the ``ScriptCompletion``.
    public var executionID: String
    public var scriptID: String?
    public var scriptName: String?
    public var content: String
    /// `bash`, `sh` and so on.
    public var shell: String?
    public var executionType: String?
    /// An object of values by name, as JSON that the sender vouches for.
    public var inputValuesJSON: String?
    public var timeoutSeconds: UInt64?
    public var runAs: String?

    public init(executionID: String, content: String) {
        self.executionID = executionID
        self.content = content
    }

    func encode(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("execution_id", executionID)
        if let scriptID { writer.member("script_id", scriptID) }
        if let scriptName { writer.member("script_name", scriptName) }
        writer.member("script_content", content)
        if let shell { writer.member("shell", shell) }
        if let executionType { writer.member("execution_type", executionType) }
        writer.member("input_values", json: inputValuesJSON)
        if let timeoutSeconds { writer.member("timeout_seconds", timeoutSeconds) }
        if let runAs { writer.member("run_as", runAs) }
        writer.endObject()
    }

    /// `nil` without an id that can be named, or without content.
    init?(_ value: JSONValue) {
        guard let executionID = value.identifier("execution_id"),
            let content = value.member("script_content")?.string
        else { return nil }
        self.init(executionID: executionID, content: content)
        var members = value.members
        scriptID = members.string("script_id")
        scriptName = members.string("script_name")
        shell = members.string("shell")
        executionType = members.string("execution_type")
        inputValuesJSON = members.value("input_values").json()
        timeoutSeconds = members.unsigned("timeout_seconds")
        runAs = members.string("run_as")
    }
}

/// Host to guest, `pending_scripts_response`: a raw command in every respect.
public struct PendingScripts: WireMessage, Hashable, Sendable {
    public var scripts: [PendingScript]
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(_ scripts: [PendingScript], wallMilliseconds: Int64) {
        self.scripts = scripts
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "pending_scripts_response")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.beginArray("scripts")
        for script in scripts { script.encode(into: &writer) }
        writer.endArray()
    }

    /// `nil` without an array of scripts, or when one of them lacks its id or its content: half of
    /// a list is not what was asked for.
    public init?(_ root: JSONValue) {
        var members = root.members
        wallMilliseconds = members.timestamp("timestamp")
        let list = members.value("scripts")
        guard list.type == .array else { return nil }
        scripts = []
        var elements = list.elements
        while let element = elements.next() {
            guard let script = PendingScript(element) else { return nil }
            scripts.append(script)
        }
    }
}

/// Guest to host, `script_completion`: what became of one of them.
public struct ScriptCompletion: WireMessage, Hashable, Sendable {
    public var executionID: String
    /// `nil` when it did not end by itself.
    public var exitCode: Int64?
    /// How it ended; `nil` from hosts and agents that do not say, and where nobody knows.
    public var outcome: CommandOutcome?
    public var stdout = ""
    public var stderr = ""
    /// Where in the guest more of its output lies.
    public var logFile: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(executionID: String, exitCode: Int64?, wallMilliseconds: Int64?) {
        self.executionID = executionID
        self.exitCode = exitCode
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "script_completion")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("execution_id", executionID)
        if let exitCode { writer.member("exit_code", exitCode) }
        if let outcome { writer.member("outcome", outcome.rawValue) }
        writer.member("stdout", stdout)
        writer.member("stderr", stderr)
        if let logFile { writer.member("log_file", logFile) }
    }

    /// `nil` without the id.
    init?(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        guard let executionID = members.string("execution_id") else { return nil }
        self.executionID = executionID
        exitCode = members.integer("exit_code")
        outcome = members.string("outcome").flatMap { CommandOutcome(rawValue: $0) }
        stdout = members.string("stdout") ?? ""
        stderr = members.string("stderr") ?? ""
        logFile = members.string("log_file")
    }
}
