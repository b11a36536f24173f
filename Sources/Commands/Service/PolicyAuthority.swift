public import Kernel
public import Logging
public import Wire

/// A policy and its keys as the executor asks them.
///
/// A program that a rule names is looked at again before each run: what root may replace may have
/// been replaced since the policy was read.
public final class PolicyAuthority: CommandAuthority {
    private let path: String?
    private let mayBeMissing: Bool
    private let credentialsDirectory: String?
    private let logger: Logger
    private let startedAt = BootTime.now
    private var policy: Policy
    private var keys: KeyRing
    private var verifier: EnvelopeVerifier?

    /// - Parameters:
    ///   - path: of the policy; `nil` for ``Policy/default``.
    ///   - mayBeMissing: whether there may be no such file, which means ``Policy/default`` too.
    ///   - credentialsDirectory: the value of `$CREDENTIALS_DIRECTORY`; `nil` when it is not set.
    ///   - logger: is told whether a policy that was read again is taken.
    /// - Throws: `ProgramFailure` with exit code 78 when it cannot be had.
    public init(
        path: String?, mayBeMissing: Bool = false, credentialsDirectory: String?, logger: Logger
    ) throws(ProgramFailure) {
        self.path = path
        self.mayBeMissing = mayBeMissing
        self.credentialsDirectory = credentialsDirectory
        self.logger = logger
        (policy, keys) = try Self.read(path, mayBeMissing, credentialsDirectory)
    }

    private static func read(
        _ path: String?, _ mayBeMissing: Bool, _ credentialsDirectory: String?
    ) throws(ProgramFailure) -> (Policy, KeyRing) {
        guard let path, !(mayBeMissing && isMissing(path)) else { return (.default, KeyRing()) }
        do {
            let policy = try Policy.load(path)
            return (policy, try KeyRing(for: policy, credentialsDirectory: credentialsDirectory))
        } catch {
            throw ProgramFailure(.configuration, "\(path): \(error)")
        }
    }

    /// Only where it is sure: a file that cannot be looked at is none that may be passed over.
    private static func isMissing(_ path: String) -> Bool {
        do throws(Errno) {
            _ = try FileStatus.of(path)
            return false
        } catch {
            return error == .notFound
        }
    }

    public func begin(epoch: Epoch, vmID: String) {
        let isSame = verifier?.epoch == epoch
        verifier = EnvelopeVerifier(
            keys: keys, machine: vmID, epoch: epoch, startedAt: startedAt,
            counters: isSame ? verifier?.counters ?? [:] : [:])
    }

    public func verify(_ envelope: SignedEnvelope) -> EnvelopeVerdict {
        guard verifier != nil else {
            return .refused(
                AdmissionRefusal(.stale, reason: "no agent has said its epoch", rule: "keys"))
        }
        switch verifier?.verify(envelope, at: .now) {
        case .verified(_, let id): return .signed(by: id)
        case .unsigned: return .unsigned
        case .refused(.stale):
            return .refused(
                AdmissionRefusal(.stale, reason: "\(EnvelopeRefusal.stale)", rule: "keys"))
        case .refused(let refusal):
            return .refused(
                AdmissionRefusal(.permissionDenied, reason: "\(refusal)", rule: "keys"))
        case nil: return .unsigned
        }
    }

    public func reload() {
        do throws(ProgramFailure) {
            let (policy, keys) = try Self.read(path, mayBeMissing, credentialsDirectory)
            self.policy = policy
            self.keys = keys
            verifier?.replaceKeys(keys)
            logger.notice("the policy was read again")
        } catch {
            logger.error("the policy stays as it was, because the new one is bad: \(error)")
        }
    }

    public func admit(_ request: CommandRequest, _ message: JSONValue) -> Admission {
        do throws(AdmissionRefusal) {
            switch request.body {
            case .exec(let program): return try admit(program, request)
            case .shell(let shell): return try admit(shell, request)
            case .action: return try admitAction(request, message)
            }
        } catch {
            return .refused(error)
        }
    }

    private func allowance(_ request: PolicyRequest) throws(AdmissionRefusal) -> Allowance {
        switch policy.decide(request) {
        case .allowed(let allowance): return allowance
        case .refused(let refusal):
            throw AdmissionRefusal(reason: refusal.reason, rule: refusal.rule)
        }
    }

    private func authority(_ request: CommandRequest) -> PolicyRequest.Authority {
        if let signer = request.signer { return .signed(signer) }
        return request.binding == .none ? .none : .epoch
    }

    // MARK: Programs

    private func admit(
        _ program: CommandRequest.ProgramRequest, _ request: CommandRequest
    ) throws(AdmissionRefusal) -> Admission {
        var wanted = PolicyRequest(.exec(program.arguments), authority: authority(request))
        wanted.runAs = program.userName
        wanted.directory = program.directory
        wanted.environment = Self.variables(program.environment)
        wanted.hasInput = program.takesInput
        wanted.limits.timeoutSeconds = request.timeoutSeconds
        wanted.limits.memoryBytes = program.memoryBytes.map { Int(clamping: $0) }
        wanted.limits.processes = program.processes.map { Int(clamping: $0) }
        wanted.limits.cpuPercent = program.processorPercent.map { Int(clamping: $0) }
        wanted.limits.outputBytes = program.outputBytes.map { Int(clamping: $0) }
        let allowance = try allowance(wanted)
        var specification = try specification(allowance)
        specification.takesInput = program.takesInput && allowance.allowsInput
        return .run(specification, rule: allowance.rule)
    }

    private func admit(
        _ shell: CommandRequest.ShellRequest, _ request: CommandRequest
    ) throws(AdmissionRefusal) -> Admission {
        let operation: PolicyRequest.Operation =
            request.kind == .pendingScripts
            ? .pendingScript(shell.command, shell: shell.shell)
            : .shell(shell.command, shell: shell.shell)
        var wanted = PolicyRequest(operation, authority: authority(request))
        wanted.runAs = shell.userName
        wanted.directory = shell.directory
        wanted.environment = Self.variables(shell.environment)
        wanted.limits.timeoutSeconds = request.timeoutSeconds
        let allowance = try allowance(wanted)
        return .run(try specification(allowance), rule: allowance.rule)
    }

    private static func variables(_ environment: [String: String]) -> [EnvironmentVariable] {
        environment.sorted { $0.key < $1.key }.map { EnvironmentVariable($0.key, $0.value) }
    }

    private func specification(
        _ allowance: Allowance
    ) throws(AdmissionRefusal) -> CommandSpecification {
        do {
            _ = try TrustedFile.openExecutable(allowance.argv[0])
        } catch {
            var name: String?
            if case .failed(let errno) = error.reason { name = errno.name }
            throw AdmissionRefusal(reason: "\(error)", rule: allowance.rule, errnoName: name)
        }
        let account = allowance.user.flatMap { try? UserIdentity(named: $0) }
        let base = CommandSpecification.baseEnvironment(home: account?.home ?? "/root")
        var result = CommandSpecification(
            arguments: allowance.argv,
            environment: allowance.environment.reduce(into: base) { $0[$1.name] = $1.value })
        result.userName = allowance.user
        result.directory = allowance.directory
        result.timeoutSeconds = allowance.limits.timeoutSeconds
        result.limits.memoryBytesMax = UInt64(allowance.limits.memoryBytes)
        result.limits.processesMax = UInt64(allowance.limits.processes)
        result.limits.processorPercentMax = UInt64(allowance.limits.cpuPercent)
        result.limits.outputBytesMax = allowance.limits.outputBytes
        result.limits.inputBytesMax = allowance.limits.inputBytes
        return result
    }

    // MARK: Actions

    private func admitAction(
        _ request: CommandRequest, _ message: JSONValue
    ) throws(AdmissionRefusal) -> Admission {
        let action: ActionRequest
        do throws(ActionFailure) {
            action = try CatalogPlanner.request(request.kind, message)
        } catch {
            throw AdmissionRefusal(error.code, reason: error.reason, rule: "message")
        }
        if request.kind == .fileRead || request.kind == .fileWrite {
            return try admitFile(request, action)
        }
        var operation: String?
        if case .text(let text) = action.parameters.values["operation"] { operation = text }
        // A rule that names targets has to allow each of those that are named.
        var last: Allowance?
        for target in action.targets {
            var wanted = PolicyRequest(
                .action(action.action, operation: operation, target: target),
                authority: authority(request))
            wanted.limits.timeoutSeconds = request.timeoutSeconds
            last = try allowance(wanted)
        }
        return .action(
            rule: last?.rule ?? "actions",
            timeoutSeconds: request.timeoutSeconds.flatMap { _ in last?.limits.timeoutSeconds })
    }

    private func admitFile(
        _ request: CommandRequest, _ action: ActionRequest
    ) throws(AdmissionRefusal) -> Admission {
        guard case .text(let path) = action.parameters.values["path"] else {
            throw AdmissionRefusal(.invalidMessage, reason: "path is a string", rule: "files")
        }
        let reads = request.kind == .fileRead
        let wanted = PolicyRequest(
            reads ? .fileRead(path: path) : .fileWrite(path: path), authority: authority(request))
        let allowance = try allowance(wanted)
        guard let file = allowance.file else {
            throw AdmissionRefusal(reason: "the rule names no file", rule: allowance.rule)
        }
        let parameters = action.parameters
        return .plan(
            .compute { () throws(ActionFailure) in
                try Self.transfer(file, parameters, reads: reads)
            }, rule: allowance.rule, timeoutSeconds: nil)
    }

    private static func transfer(
        _ file: FileAllowance, _ parameters: ActionParameters, reads: Bool
    ) throws(ActionFailure) -> ActionAnswer {
        let opened: FileDescriptor
        do {
            let directory = try TrustedFile.openDirectory(file.directory)
            opened = try FileDescriptor.openBeneath(
                directory, file.relativePath, reads ? .read : .write(permissions: 0o644))
        } catch {
            throw ActionFailure(code: .permissionDenied, reason: "\(error)")
        }
        let most = Int64(file.bytesMax)
        return reads
            ? try FileTransfer.read(opened, parameters, bytesMax: most)
            : try FileTransfer.write(opened, parameters, bytesMax: most)
    }
}

extension ActionRequest {
    /// Names of parameters that say how, not what.
    private static let manners: Set<String> = [
        "operation", "signal", "force", "limit", "sort_by", "days", "deadline", "delay", "query",
        "evaluation_window_days", "check_name",
    ]

    /// What it acts on: every text and number that is no manner; `nil` once when there is none.
    var targets: [String?] {
        var found: [String?] = []
        for (name, value) in parameters.values where !Self.manners.contains(name) {
            switch value {
            case .text(let text): found.append(text)
            case .integer(let number): found.append("\(number)")
            case .texts(let texts): found += texts
            case .number, .truth, .other: break
            }
        }
        return found.isEmpty ? [nil] : found
    }
}
