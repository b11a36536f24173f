import Logging
import Wire

/// From a relayed command to a job, or to a refusal.
extension CommandService {
    func run(
        _ command: JSONValue, key: UInt64, id: String, binding: CommandBinding, streams: Bool
    ) {
        guard job(key) == nil else {
            logger.error("the agent gave the key \(key) twice")
            return
        }
        guard binding == .envelope else {
            admit(command, key: key, binding: binding, signer: nil, streams: streams)
            return
        }
        let refusal = open(command) { message, signer in
            admit(
                message, key: key, binding: held(message, signer), signer: signer,
                streams: streams)
        }
        if let refusal { refuse(key, id: id, refusal) }
    }

    /// Runs those scripts of a list that have a key.
    func runScripts(_ list: JSONValue, keys: [String: UInt64], binding: CommandBinding) {
        var keys = keys.filter { job($0.value) == nil }
        func take(_ message: JSONValue, _ binding: CommandBinding, _ signer: String?) {
            for script in PendingScripts(message)?.scripts ?? [] {
                guard let key = keys.removeValue(forKey: script.executionID) else { continue }
                admit(
                    CommandRequest(script, binding: binding, signer: signer), message, key: key,
                    streams: false)
            }
        }
        var refusal = AdmissionRefusal(
            .invalidMessage, reason: "a script lacks its id or its content", rule: "message")
        if binding == .envelope {
            let failure = open(list) { take($0, held($0, $1), $1) }
            if let failure { refusal = failure }
        } else {
            take(list, binding, nil)
        }
        for (id, key) in keys { refuse(key, kind: .pendingScripts, id: id, refusal) }
    }

    /// What binds the contents of an envelope to this life of the agent.
    private func held(_ message: JSONValue, _ signer: String?) -> CommandBinding {
        if signer != nil { return .envelope }
        let isCurrent = message.member("epoch")?.string.flatMap { Epoch($0) } == epoch
        return isCurrent && epoch != nil ? .epoch : .none
    }

    /// Checks an envelope and hands over what was in it.
    ///
    /// - Returns: why it does not hold, if so.
    private func open(
        _ value: JSONValue, _ body: (JSONValue, _ signer: String?) -> Void
    ) -> AdmissionRefusal? {
        guard case .signed(let envelope) = HostMessage(value) else {
            return AdmissionRefusal(
                .invalidMessage, reason: "an envelope lacks a member", rule: "envelope")
        }
        var signer: String?
        switch authority.verify(envelope) {
        case .signed(let name): signer = name
        case .unsigned: break
        case .refused(let refusal): return refusal
        }
        guard var parser = payloadParser.take() else {
            preconditionFailure("an envelope in an envelope")
        }
        do throws(JSONError) {
            try parser.parse(RawSpan(_elements: Array(envelope.payload.utf8).span))
            body(parser.root, signer)
            payloadParser = consume parser
            return nil
        } catch {
            payloadParser = consume parser
            return AdmissionRefusal(.invalidMessage, reason: "\(error)", rule: "envelope")
        }
    }

    private func refuse(
        _ key: UInt64, kind: Command.Kind = .exec, id: String = "unknown",
        _ refusal: AdmissionRefusal
    ) {
        sendRefusal(key, CommandAnswer.refusal(kind, id: id, refusal))
    }

    private func admit(
        _ message: JSONValue, key: UInt64, binding: CommandBinding, signer: String?, streams: Bool
    ) {
        let request: CommandRequest
        do throws(ActionFailure) {
            request = try CommandRequest(message, binding: binding, signer: signer)
        } catch {
            let type = message.member("type")?.string ?? ""
            return refuse(
                key, kind: Command.Kind(rawValue: type) ?? .exec,
                id: message.member("id")?.string ?? "unknown",
                AdmissionRefusal(error.code, reason: error.reason, rule: "message"))
        }
        admit(request, message, key: key, streams: streams)
    }

    private func admit(
        _ request: CommandRequest, _ message: JSONValue, key: UInt64, streams: Bool
    ) {
        do throws(AdmissionRefusal) {
            let job = try job(for: request, message, key: key, streams: streams)
            jobs.append(job)
        } catch {
            let record = AuditRecord(request: request, rule: error.rule)
            logger.notice("\(record.refused(error))")
            refuse(key, kind: request.kind, id: request.id, error)
        }
    }

    private func job(
        for request: CommandRequest, _ message: JSONValue, key: UInt64, streams: Bool
    ) throws(AdmissionRefusal) -> CommandJob {
        let jobsMax = RelayLimits.runningMax + RelayLimits.waitingMax
        guard jobs.count < jobsMax, !isEnding else {
            throw AdmissionRefusal(
                .busy, reason: "\(jobs.count) commands run and wait; try again later",
                rule: "limits")
        }
        let isAction = if case .action = request.body { true } else { false }
        if request.binding == .none {
            guard isAction, planner.isReadOnly(request.kind, message) else {
                throw AdmissionRefusal(
                    reason: "a command that may change something names the agent's epoch, or is "
                        + "signed", rule: "binding")
            }
        }
        switch authority.admit(request, message) {
        case .refused(let refusal): throw refusal
        case .run(let specification, let rule):
            let isExec = request.kind == .exec
            return CommandJob(
                key: key, request: request, rule: rule, work: .command(specification),
                streams: streams && isExec)
        case .action(let rule, let seconds):
            let plan: ActionPlan
            do throws(ActionFailure) {
                plan = try planner.plan(request.kind, message)
            } catch {
                throw AdmissionRefusal(error.code, reason: error.reason, rule: "action")
            }
            let work = work(plan, seconds)
            return CommandJob(
                key: key, request: request, rule: rule, work: work, streams: false)
        case .plan(let plan, let rule, let seconds):
            return CommandJob(
                key: key, request: request, rule: rule, work: work(plan, seconds), streams: false)
        }
    }

    private func work(_ plan: ActionPlan, _ seconds: Double?) -> CommandJob.Work {
        switch plan {
        case .compute(let body): return .compute(body)
        case .run(let commands, let finish):
            let steps = commands.map { command in
                var step = CommandSpecification(
                    arguments: command.arguments, environment: command.environment)
                step.timeoutSeconds =
                    command.timeoutSeconds ?? seconds ?? RunningLimits.timeoutSecondsDefault
                // They are the system's own tools, and those of packages take what they need.
                step.limits.memoryBytesMax = nil
                return step
            }
            return .steps(steps, finish: finish)
        }
    }

    // MARK: Input and cancelling

    /// What feeds a command has to be signed by who signed the command.
    func input(_ command: JSONValue, key: UInt64) {
        guard let job = job(key) else { return }
        if command.member("type")?.equals("signed") ?? false {
            let refusal = open(command) { message, signer in
                if signer == job.request.signer { feed(job, message) }
            }
            if let refusal { logger.warning("input for a command is dropped: \(refusal.reason)") }
        } else if job.request.signer == nil {
            feed(job, command)
        } else {
            logger.warning("input without a signature for a command that has one is dropped")
        }
    }

    private func feed(_ job: CommandJob, _ message: JSONValue) {
        guard let input = ExecInput(message), input.id == job.request.id,
            let bytes = input.data.bytes
        else {
            logger.warning("input for a command is malformed and dropped")
            return
        }
        job.addInput(bytes, isEnd: input.isEnd)
        // With a piece missing, what follows would be other input.
        if job.isInputBroken { cancel(job) } else { giveInput(job) }
    }

    /// Hands on what waits for a command that runs.
    func giveInput(_ job: CommandJob) {
        guard let key = job.runKey, let (bytes, isEnd) = job.takeInput() else { return }
        if !runner.input(key, bytes, isEnd: isEnd) { job.isInputBroken = true }
    }

    func cancel(_ job: CommandJob) {
        job.isCancelled = true
        if let key = job.runKey {
            runner.cancel(key)
        } else if !job.isStarted {
            finish(job, CommandAnswer.cancelled(job, runner.isolation.kind))
        }
    }
}
