/// Host to guest, `UnsafeCommand`: a command line for a shell.
///
/// Source: InfiniService's message of that name.
public struct UnsafeCommand: WireMessage, Hashable, Sendable {
    /// A variable of the command's environment.
    public struct Variable: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// 1 to ``WireLimits/identifierBytesMax`` bytes.
    public var id: String
    public var rawCommand: String
    public var shell: String?
    public var timeoutSeconds: UInt64?
    public var workingDirectory: String?
    /// In their order; at most one of a name.
    public var environment: [Variable] = []
    public var runAs: String?
    /// The life of the agent that it is for; `nil` from a host that knows none.
    public var epoch: Epoch?

    public init(id: String, rawCommand: String) {
        self.id = id
        self.rawCommand = rawCommand
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "UnsafeCommand")
        writer.member("id", id)
        if let epoch { writer.member("epoch", epoch) }
        writer.member("raw_command", rawCommand)
        if let shell { writer.member("shell", shell) }
        if let timeoutSeconds { writer.member("timeout", timeoutSeconds) }
        if let workingDirectory { writer.member("working_dir", workingDirectory) }
        if !environment.isEmpty {
            writer.beginObject("env_vars")
            for variable in environment {
                writer.key(variable.name)
                writer.value(variable.value)
            }
            writer.endObject()
        }
        if let runAs { writer.member("run_as", runAs) }
    }

    /// `nil` without an id that can be echoed or a command, and when a variable is no string: a
    /// command in another environment is another command.
    public init?(_ root: JSONValue) {
        guard let id = root.identifier("id"), let rawCommand = root.member("raw_command")?.string
        else { return nil }
        self.init(id: id, rawCommand: rawCommand)
        var members = root.members
        epoch = members.epoch("epoch")
        shell = members.string("shell")
        timeoutSeconds = members.unsigned("timeout")
        workingDirectory = members.string("working_dir")
        runAs = members.string("run_as")
        let variables = members.value("env_vars")
        guard !variables.exists || variables.isNull || variables.type == .object else {
            return nil
        }
        var rest = variables.members
        while let member = rest.next() {
            guard let name = member.name.string, let value = member.value.string else {
                return nil
            }
            environment.append(Variable(name: name, value: value))
        }
    }
}
