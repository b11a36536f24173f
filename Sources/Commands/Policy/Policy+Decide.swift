import YAML

extension Policy {
    /// What becomes of a request. Whatever no rule allows is refused.
    public func decide(_ request: PolicyRequest) -> Decision {
        if let refusal = authorityRefusal(of: request) { return .refused(refusal) }
        switch request.operation {
        case .action(let name, let operation, let target):
            return decideAction(name, operation, target, request)
        case .exec(let argv): return decideExec(argv, request)
        case .shell(let command, let shell):
            return decideShell(command, shell, request, rawCommands, "raw_commands")
        case .pendingScript(let content, let shell):
            return decideShell(content, shell, request, pendingScripts, "pending_scripts")
        case .fileRead(let path): return decideFile(path, files.read, "files.read", request)
        case .fileWrite(let path): return decideFile(path, files.write, "files.write", request)
        case .cancel, .input: return .allowed(Allowance(rule: "running"))
        }
    }

    // MARK: Who asks

    private func authorityRefusal(of request: PolicyRequest) -> Refusal? {
        switch request.authority {
        case .signed(let id):
            guard !keys.contains(where: { $0.id == id }) else { return nil }
            return Refusal(rule: "keys", reason: "no key \"\(id.shown)\" in the policy")
        case .epoch:
            return signatureRefusal(of: request)
        case .none:
            if let refusal = signatureRefusal(of: request) { return refusal }
            guard !request.isReadOnly else { return nil }
            return Refusal(
                rule: "session",
                reason: "it has neither the agent's epoch nor a signature, and so may only look")
        }
    }

    private func signatureRefusal(of request: PolicyRequest) -> Refusal? {
        switch signatures {
        case .none: return nil
        case .changes where request.isReadOnly: return nil
        case .changes, .all:
            return Refusal(rule: "require_signature", reason: "it has to be signed")
        }
    }

    /// Why the key that signed it is not good for this, `nil` when it is or nothing is signed.
    private func keyRefusal(
        of request: PolicyRequest, for grant: PolicyKey.Grant
    ) -> Refusal? {
        guard case .signed(let id) = request.authority else { return nil }
        guard keys.contains(where: { $0.id == id && $0.covers(grant) }) else {
            return Refusal(
                rule: "keys.\(id)",
                reason: "the key may not do this: add \(grant.rawValue) to its may")
        }
        return nil
    }

    /// Why an action or a file cannot be had in the way that only programs can.
    private func executionRefusal(of request: PolicyRequest, _ rule: String) -> Refusal? {
        guard request.runAs == nil, request.directory == nil, request.environment.isEmpty else {
            return Refusal(
                rule: rule, reason: "it takes no run_as, no directory and no environment")
        }
        guard let fault = request.limits.fault else { return nil }
        return Refusal(rule: rule, reason: "\(fault) cannot be")
    }

    // MARK: What is asked

    private func decideAction(
        _ name: String, _ operation: String?, _ target: String?, _ request: PolicyRequest
    ) -> Decision {
        var refusal = Refusal(
            rule: "actions", reason: "\"\(name.shown)\" is not in the policy's actions")
        guard ActionNames.all.contains(name) else { return .refused(refusal) }
        let grant: PolicyKey.Grant = request.isReadOnly ? .readOnly : .actions
        if let refusal = keyRefusal(of: request, for: grant) { return .refused(refusal) }
        for rule in actions where rule.covers(name, isReadOnly: request.isReadOnly) {
            let ruleName = "actions.\(rule.name)"
            if let fault = rule.fault(
                operation: operation, target: target, isSigned: request.isSigned)
            {
                refusal = Refusal(rule: ruleName, reason: fault)
                continue
            }
            if let refusal = executionRefusal(of: request, ruleName) { return .refused(refusal) }
            var allowance = Allowance(rule: ruleName)
            allowance.limits = limits.reduced(to: request.limits)
            return .allowed(allowance)
        }
        return .refused(refusal)
    }

    private func decideExec(_ argv: [String], _ request: PolicyRequest) -> Decision {
        guard let program = argv.first, !program.isEmpty else {
            return .refused(Refusal(rule: "commands", reason: "no program is named"))
        }
        guard argv.count <= PolicyLimits.argumentsMax + 1 else {
            return .refused(
                Refusal(
                    rule: "commands",
                    reason: "more than \(PolicyLimits.argumentsMax) arguments"))
        }
        guard !argv.contains(where: { $0.unicodeScalars.contains("\0") }) else {
            return .refused(Refusal(rule: "commands", reason: "an argument with U+0000 in it"))
        }
        var refusal: Refusal?
        for command in commands where command.isMeant(by: program) {
            let rule = command.ruleName
            if let fault = command.fault(in: argv.dropFirst()) {
                refusal = refusal ?? Refusal(rule: rule, reason: fault)
                continue
            }
            if let other = keyRefusal(of: request, for: .commands) {
                refusal = refusal ?? other
                continue
            }
            let whole = [command.path] + argv.dropFirst()
            switch command.execution.resolve(request, rule: rule, argv: whole, isTrusted: true) {
            case .allowed(let allowance): return .allowed(allowance)
            case .refused(let other): refusal = refusal ?? other
            }
        }
        return decideRawExec(argv, request, refusal)
    }

    /// - Parameter refusal: why no named command is meant, if one nearly was.
    private func decideRawExec(
        _ argv: [String], _ request: PolicyRequest, _ refusal: Refusal?
    ) -> Decision {
        func refused(_ reason: String) -> Decision {
            .refused(Refusal(rule: "raw_commands", reason: reason))
        }
        guard let rawCommands else {
            let reason =
                "no rule for \"\(argv[0].shown)\", and raw commands are off: add it to commands in "
                + "the guest's policy, see vireo-policy(5)"
            return .refused(refusal ?? Refusal(rule: "commands", reason: reason))
        }
        if let other = keyRefusal(of: request, for: .rawCommands) {
            return .refused(refusal ?? other)
        }
        guard isPlainPath(argv[0]) else {
            return refused(
                "\"\(argv[0].shown)\" is no absolute path: name the program from / on")
        }
        guard argv.reduce(0, { $0 + $1.utf8.count + 1 }) <= PolicyLimits.scriptBytesMax else {
            return refused("more than \(PolicyLimits.scriptBytesMax) bytes of arguments")
        }
        return rawCommands.execution.resolve(
            request, rule: "raw_commands", argv: argv, isTrusted: false)
    }

    private func decideShell(
        _ command: String, _ shell: String?, _ request: PolicyRequest, _ rule: RawRule?,
        _ name: String
    ) -> Decision {
        func refused(_ reason: String) -> Decision { .refused(Refusal(rule: name, reason: reason)) }
        guard let rule else { return refused("the policy has them off") }
        // Whatever a rule says: these came unasked, and nobody waits for their answer.
        if name == "pending_scripts", !request.isSigned { return refused("it has to be signed") }
        let grant: PolicyKey.Grant = name == "pending_scripts" ? .pendingScripts : .rawCommands
        if let refusal = keyRefusal(of: request, for: grant) { return .refused(refusal) }
        guard let path = rule.shell(shell) else {
            return refused("\"\((shell ?? "").shown)\" is not in the rule's shells")
        }
        guard !command.isEmpty, command.utf8.count <= PolicyLimits.scriptBytesMax,
            !command.unicodeScalars.contains("\0")
        else {
            return refused(
                "a text with 1 to \(PolicyLimits.scriptBytesMax) bytes and without U+0000 is wanted"
            )
        }
        return rule.execution.resolve(
            request, rule: name, argv: [path, "-c", command], isTrusted: true)
    }

    private func decideFile(
        _ path: String, _ directories: [String], _ rule: String, _ request: PolicyRequest
    ) -> Decision {
        if files.isSigned, !request.isSigned {
            return .refused(Refusal(rule: rule, reason: "it has to be signed"))
        }
        if let refusal = keyRefusal(of: request, for: .files) ?? executionRefusal(of: request, rule)
        {
            return .refused(refusal)
        }
        guard let file = files.allowance(for: path, in: directories) else {
            return .refused(
                Refusal(
                    rule: rule,
                    reason:
                        "\"\(path.shown)\" is not a plain path below one of the rule's directories")
            )
        }
        var allowance = Allowance(rule: rule)
        allowance.file = file
        allowance.limits = limits
        return .allowed(allowance)
    }
}
