import YAML

/// How programs run, and the values that occur everywhere.
extension PolicyReader {
    static let executionKeys = [
        "user", "run_as", "directory", "directories", "environment", "environment_names", "limits",
        "input", "signed",
    ]

    func execution(
        _ fields: YAMLFields, _ defaults: CommandLimits
    ) throws(YAMLError) -> ExecutionRule {
        var rule = ExecutionRule()
        rule.user = try fields["user"].map(user)
        if let node = fields["run_as"] {
            if case .scalar = node.content {
                rule.runAs = [try user(node)]
            } else {
                for element in try node.elements() { rule.runAs.append(try user(element)) }
            }
        }
        rule.directory = try fields["directory"].map(path) ?? rule.directory
        rule.directories = try fields["directories"].map(paths) ?? []
        for entry in try fields["environment"]?.entries() ?? [] {
            let name = try variableName(entry.key, at: entry.value)
            let value = try entry.value.stringOrEmpty()
            guard value.utf8.count <= PolicyLimits.environmentValueBytesMax else {
                throw entry.value.error(
                    "more than \(PolicyLimits.environmentValueBytesMax) bytes", "shorten it")
            }
            rule.environment.append(EnvironmentVariable(name, value))
        }
        for element in try fields["environment_names"]?.elements() ?? [] {
            let name = try variableName(try element.string(), at: element)
            guard name != "PATH" else {
                throw element.error(
                    "a request may not choose PATH", "set it under \"environment\" instead")
            }
            rule.environmentNames.append(name)
        }
        guard rule.environment.count + rule.environmentNames.count <= PolicyLimits.environmentMax
        else {
            throw YAMLError(
                fields.place, "more than \(PolicyLimits.environmentMax) environment variables",
                "remove some")
        }
        rule.limits =
            try fields["limits"].map { (node) throws(YAMLError) in
                try limits(node, defaults)
            } ?? defaults
        rule.allowsInput = try fields["input"]?.bool() ?? false
        rule.isSigned = try fields["signed"]?.bool() ?? false
        return rule
    }

    func limits(
        _ node: YAMLNode, _ defaults: CommandLimits
    ) throws(YAMLError) -> CommandLimits {
        let fields = try node.fields(known: [
            "timeout", "output_bytes", "input_bytes", "memory_bytes", "processes", "cpu_percent",
        ])
        var limits = defaults
        typealias Limits = CommandLimits
        limits.timeoutSeconds =
            try fields["timeout"]?.number(in: Limits.timeoutSecondsRange, unit: "seconds")
            ?? limits.timeoutSeconds
        limits.outputBytes =
            try fields["output_bytes"]?.integer(in: Limits.outputBytesRange, unit: "bytes")
            ?? limits.outputBytes
        limits.inputBytes =
            try fields["input_bytes"]?.integer(in: Limits.inputBytesRange, unit: "bytes")
            ?? limits.inputBytes
        limits.memoryBytes =
            try fields["memory_bytes"]?.integer(in: Limits.memoryBytesRange, unit: "bytes")
            ?? limits.memoryBytes
        limits.processes =
            try fields["processes"]?.integer(in: Limits.processesRange) ?? limits.processes
        limits.cpuPercent =
            try fields["cpu_percent"]?.integer(in: Limits.cpuPercentRange, unit: "percent")
            ?? limits.cpuPercent
        return limits
    }

    func path(_ node: YAMLNode) throws(YAMLError) -> String {
        let path = try node.string()
        guard isPlainPath(path) else {
            throw node.error(
                "\"\(path.shown)\" is no plain absolute path",
                "write it from / on, without \"..\", \"//\" and a slash at the end")
        }
        return path
    }

    func paths(_ node: YAMLNode) throws(YAMLError) -> [String] {
        if case .scalar = node.content { return [try path(node)] }
        var paths: [String] = []
        for element in try node.elements() { paths.append(try path(element)) }
        return paths
    }

    /// Source: useradd(8).
    private func user(_ node: YAMLNode) throws(YAMLError) -> String {
        let name = try node.string()
        let isRight = name.utf8.enumerated().allSatisfy { place, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): place > 0
            default: false
            }
        }
        guard isRight, name.utf8.count <= PolicyLimits.userNameBytesMax else {
            throw node.error(
                "\"\(name.shown)\" is no user's name",
                "use 1 to \(PolicyLimits.userNameBytesMax) of a-z, 0-9, \"_\" and \"-\"")
        }
        return name
    }

    private func variableName(
        _ name: String, at node: YAMLNode
    ) throws(YAMLError) -> String {
        guard EnvironmentVariable.isName(name) else {
            throw node.error(
                "\"\(name.shown)\" is no environment variable's name",
                "use letters, digits and \"_\"")
        }
        guard !EnvironmentVariable.isDangerous(name) else {
            throw node.error(
                "\(name) is never set: programs take code from it", "leave it out")
        }
        return name
    }
}
