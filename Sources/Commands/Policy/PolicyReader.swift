import YAML

/// Takes a policy's YAML to pieces.
struct PolicyReader {
    static let keysKnown = [
        "actions", "commands", "raw_commands", "pending_scripts", "files", "keys",
        "require_signature", "limits",
    ]

    let root: YAMLNode

    func policy() throws(YAMLError) -> Policy {
        let fields = try root.fields(known: Self.keysKnown)
        var policy = Policy(actions: [])
        if let node = fields["limits"] { policy.limits = try limits(node, CommandLimits()) }
        if let node = fields["actions"] { policy.actions = try actions(node) }
        if let node = fields["commands"] { policy.commands = try commands(node, policy.limits) }
        if let node = fields["raw_commands"] {
            policy.rawCommands = try rawRule(node, policy.limits)
        }
        if let node = fields["pending_scripts"] {
            policy.pendingScripts = try rawRule(node, policy.limits)
        }
        if let node = fields["files"] { policy.files = try files(node) }
        if let node = fields["keys"] { policy.keys = try PolicyKeyReader.keys(node) }
        if let node = fields["require_signature"] { policy.signatures = try signatures(node) }
        try check(policy, fields)
        return policy
    }

    /// What no single rule can see.
    private func check(_ policy: Policy, _ fields: YAMLFields) throws(YAMLError) {
        if let node = fields["require_signature"], policy.signatures != .none, policy.keys.isEmpty {
            throw node.error(
                "signatures are required and no key is there", "add one to \"keys\"")
        }
        if policy.pendingScripts != nil, let node = fields["pending_scripts"],
            !policy.keys.contains(where: { $0.covers(.pendingScripts) })
        {
            throw node.error(
                "pending scripts are always signed, and no key may sign them",
                "add a key with \"may: [pending_scripts]\"")
        }
    }

    private func signatures(
        _ node: YAMLNode
    ) throws(YAMLError) -> Policy.SignatureRequirement {
        switch node.content {
        case .scalar("true", isPlain: true): return .all
        case .scalar("false", isPlain: true): return .none
        default: break
        }
        let text = try node.string()
        guard let requirement = Policy.SignatureRequirement(rawValue: text) else {
            throw node.error("\(node.kind) is no such thing", "write none, changes or all")
        }
        return requirement
    }

    // MARK: Actions and files

    private func actions(_ node: YAMLNode) throws(YAMLError) -> [ActionRule] {
        if case .scalar = node.content { return [try action(node)] }
        var rules: [ActionRule] = []
        for element in try node.elements() { rules.append(try action(element)) }
        return rules
    }

    private func action(_ node: YAMLNode) throws(YAMLError) -> ActionRule {
        if case .scalar = node.content { return ActionRule(try actionName(node)) }
        let fields = try node.fields(known: ["name", "operations", "targets", "signed"])
        var rule = ActionRule(try actionName(try fields.required("name")))
        rule.operations = try fields["operations"]?.strings() ?? []
        rule.targets = try fields["targets"].map(patterns) ?? []
        rule.isSigned = try fields["signed"]?.bool() ?? false
        return rule
    }

    private func actionName(_ node: YAMLNode) throws(YAMLError) -> String {
        let name = try node.string()
        let known = ["all", "read_only"] + ActionNames.all
        guard known.contains(name) else {
            throw node.error(
                "no action \"\(name.shown)\"", YAMLError.suggestion(for: name, known: known))
        }
        return name
    }

    private func files(_ node: YAMLNode) throws(YAMLError) -> FileRule {
        let fields = try node.fields(known: ["read", "write", "bytes_max", "signed"])
        var rule = FileRule()
        rule.read = try fields["read"].map(paths) ?? []
        rule.write = try fields["write"].map(paths) ?? []
        rule.bytesMax =
            try fields["bytes_max"]?.integer(in: FileRule.bytesMaxRange, unit: "bytes")
            ?? rule.bytesMax
        rule.isSigned = try fields["signed"]?.bool() ?? false
        return rule
    }

    // MARK: Commands

    private func commands(
        _ node: YAMLNode, _ limits: CommandLimits
    ) throws(YAMLError) -> [CommandRule] {
        var rules: [CommandRule] = []
        for element in try node.elements() {
            let rule = try command(element, limits)
            guard !rules.contains(where: { $0.name == rule.name }) else {
                throw element.error(
                    "a second command \"\(rule.name)\"", "give each a name of its own")
            }
            rules.append(rule)
        }
        guard rules.count <= PolicyLimits.commandsMax else {
            throw node.error("more than \(PolicyLimits.commandsMax) commands", "remove some")
        }
        return rules
    }

    private func command(
        _ node: YAMLNode, _ limits: CommandLimits
    ) throws(YAMLError) -> CommandRule {
        let own = ["name", "path", "arguments", "more_arguments", "argument_bytes_max"]
        let fields = try node.fields(known: own + Self.executionKeys)
        let nameNode = try fields.required("name")
        let name = try nameNode.string()
        guard PolicyKey.isID(name) else {
            throw nameNode.error(
                "\"\(name.shown)\" is no name", "use 1 to 64 letters, digits, \".\", \"_\", \"-\"")
        }
        var rule = CommandRule(name: name, path: try path(try fields.required("path")))
        for element in try fields["arguments"]?.elements() ?? [] {
            rule.arguments.append(try patterns(element))
        }
        if let more = fields["more_arguments"] {
            let parts = try more.fields(known: ["patterns", "min", "max"])
            let range = 0...PolicyLimits.argumentsMax
            rule.moreArguments = try patterns(try parts.required("patterns"))
            let most = try parts.required("max").integer(in: range)
            let least = try parts["min"]?.integer(in: range) ?? 0
            guard least <= most else { throw more.error("min is more than max", "swap them") }
            rule.moreArgumentsCount = least...most
        }
        guard rule.arguments.count + rule.moreArgumentsCount.upperBound <= PolicyLimits.argumentsMax
        else {
            throw node.error("more than \(PolicyLimits.argumentsMax) arguments", "lower max")
        }
        rule.argumentBytesMax =
            try fields["argument_bytes_max"]?
            .integer(in: 1...PolicyLimits.argumentBytesMax, unit: "bytes") ?? rule.argumentBytesMax
        rule.execution = try execution(fields, limits)
        return rule
    }

    /// `true`, `false`, or a mapping, which says true.
    private func rawRule(
        _ node: YAMLNode, _ limits: CommandLimits
    ) throws(YAMLError) -> RawRule? {
        var rule = RawRule()
        rule.execution.limits = limits
        if case .scalar = node.content { return try node.bool() ? rule : nil }
        let fields = try node.fields(known: ["shells"] + Self.executionKeys)
        rule.shells = try fields["shells"].map(paths) ?? rule.shells
        rule.execution = try execution(fields, limits)
        return rule
    }

    func patterns(_ node: YAMLNode) throws(YAMLError) -> [ArgumentPattern] {
        if case .scalar = node.content { return [try pattern(node)] }
        var patterns: [ArgumentPattern] = []
        for element in try node.elements() { patterns.append(try pattern(element)) }
        guard !patterns.isEmpty else {
            throw node.error("no pattern", "write at least one, such as \"[a-z0-9]{1,32}\"")
        }
        return patterns
    }

    private func pattern(_ node: YAMLNode) throws(YAMLError) -> ArgumentPattern {
        let text = try node.stringOrEmpty()
        do {
            return try ArgumentPattern(text)
        } catch {
            throw node.error(error.problem, error.remedy)
        }
    }
}
