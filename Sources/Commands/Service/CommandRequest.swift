public import Wire

/// A command as a host sent it: what it asks for, and what speaks for it.
public struct CommandRequest: Hashable, Sendable {
    public enum Body: Hashable, Sendable {
        /// `Exec`: a program and its arguments, without a shell.
        case exec(ProgramRequest)
        /// `UnsafeCommand`: a text for a shell.
        case shell(ShellRequest)
        /// `SafeCommand` and our own actions, by name.
        case action(name: String)
    }

    public var id: String
    public var kind: Command.Kind
    public var body: Body
    public var binding: CommandBinding
    /// The id of the key that signed it, `nil` when nobody did.
    public var signer: String?
    /// Seconds that the host would give it.
    public var timeoutSeconds: Double?

    /// What `Exec` asks for.
    public struct ProgramRequest: Hashable, Sendable {
        public var arguments: [String]
        public var directory: String?
        public var environment: [String: String] = [:]
        public var userName: String?
        public var takesInput = false
        public var memoryBytes: UInt64?
        public var processes: UInt64?
        public var processorPercent: UInt64?
        public var outputBytes: UInt64?
    }

    /// What `UnsafeCommand` asks for.
    public struct ShellRequest: Hashable, Sendable {
        public var command: String
        /// `sh` and `bash` by name; `nil` for the default.
        public var shell: String?
        public var directory: String?
        public var environment: [String: String] = [:]
        public var userName: String?
    }

    /// - Throws: INVALID_MESSAGE with what is wrong.
    public init(
        _ message: JSONValue, binding: CommandBinding, signer: String?
    ) throws(ActionFailure) {
        guard let type = message.member("type")?.string, let kind = Command.Kind(rawValue: type)
        else {
            throw ActionFailure(code: .unknownCommand, reason: "there is no such command")
        }
        guard let id = message.member("id")?.string,
            (1...WireLimits.identifierBytesMax).contains(id.utf8.count)
        else { throw Self.invalid("an id has 1 to \(WireLimits.identifierBytesMax) bytes") }
        self.id = id
        self.kind = kind
        self.binding = binding
        self.signer = signer
        timeoutSeconds = try Self.timeout(message)
        switch kind {
        case .exec: body = .exec(try Self.program(message))
        case .unsafe: body = .shell(try Self.shell(message))
        case .safe: body = .action(name: Self.actionName(message))
        case .execInput, .cancel, .pendingScripts:
            throw Self.invalid("\(type) is no command of its own")
        default: body = .action(name: type)
        }
    }

    /// A script of a list of pending ones: a shell's text with an id and a time-out of its own.
    init(_ script: PendingScript, binding: CommandBinding, signer: String?) {
        id = script.executionID
        kind = .pendingScripts
        self.binding = binding
        self.signer = signer
        timeoutSeconds = script.timeoutSeconds.map { Double($0) }
        var request = ShellRequest(command: script.content)
        request.shell = script.shell
        request.userName = script.runAs
        body = .shell(request)
    }

    private static func invalid(_ reason: String) -> ActionFailure {
        ActionFailure(code: .invalidMessage, reason: reason)
    }

    private static func timeout(_ message: JSONValue) throws(ActionFailure) -> Double? {
        guard let value = message.member("timeout"), !value.isNull else { return nil }
        guard let seconds = value.number, seconds > 0, seconds <= RunningLimits.timeoutSecondsMax
        else { throw invalid("timeout is a number of seconds up to 86400") }
        return seconds
    }

    private static func actionName(_ message: JSONValue) -> String {
        let type = message.member("command_type")
        return type?.string ?? type?.member("action")?.string ?? ""
    }

    private static func program(_ message: JSONValue) throws(ActionFailure) -> ProgramRequest {
        guard let list = message.member("argv"), list.type == .array, list.count > 0 else {
            throw invalid("argv is a list with at least the program")
        }
        var request = ProgramRequest(arguments: [])
        var elements = list.elements
        while let element = elements.next() {
            guard let text = element.string else { throw invalid("argv is a list of strings") }
            request.arguments.append(text)
        }
        request.directory = try text("cwd", message.member("cwd"))
        request.userName = try text("run_as", message.member("run_as"))
        request.environment = try variables("env", message.member("env"))
        request.takesInput = message.member("input")?.bool ?? false
        if let limits = message.member("limits"), !limits.isNull {
            request.memoryBytes = try count("memory_bytes", limits.member("memory_bytes"))
            request.processes = try count("processes", limits.member("processes"))
            request.processorPercent = try count("cpu_percent", limits.member("cpu_percent"))
            request.outputBytes = try count("output_bytes", limits.member("output_bytes"))
        }
        return request
    }

    private static func shell(_ message: JSONValue) throws(ActionFailure) -> ShellRequest {
        guard let command = message.member("raw_command")?.string, !command.isEmpty else {
            throw invalid("raw_command is a string")
        }
        var request = ShellRequest(command: command)
        request.shell = try text("shell", message.member("shell"))
        request.directory = try text("working_dir", message.member("working_dir"))
        request.userName = try text("run_as", message.member("run_as"))
        request.environment = try variables("env_vars", message.member("env_vars"))
        return request
    }

    private static func text(
        _ name: String, _ value: JSONValue?
    ) throws(ActionFailure) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string else { throw invalid("\(name) is a string") }
        return text
    }

    private static func count(
        _ name: String, _ value: JSONValue?
    ) throws(ActionFailure) -> UInt64? {
        guard let value, !value.isNull else { return nil }
        guard let count = value.unsigned, count > 0 else {
            throw invalid("limits.\(name) is a whole number above 0")
        }
        return count
    }

    private static func variables(
        _ name: String, _ value: JSONValue?
    ) throws(ActionFailure) -> [String: String] {
        guard let value, !value.isNull else { return [:] }
        guard value.type == .object else { throw invalid("\(name) is an object") }
        var result: [String: String] = [:]
        var members = value.members
        while let member = members.next() {
            guard let name = member.name.string, let text = member.value.string else {
                throw invalid("\(name) holds strings")
            }
            result[name] = text
        }
        return result
    }
}

extension CommandRequest {
    /// What the audit shows of it: the arguments, the shell's text, or the action's name.
    var words: [String] {
        switch body {
        case .exec(let program): program.arguments
        case .shell(let shell): [shell.shell ?? "sh", "-c", shell.command]
        case .action(let name): [name]
        }
    }
}
