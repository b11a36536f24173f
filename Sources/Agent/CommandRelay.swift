import IOEngine
import Kernel
import Logging
import Port
import Wire

/// What the relay needs of the agent that it is part of.
protocol CommandRelayHome: AnyObject {
    /// Sends a message of class control: whether it found room.
    func send(_ message: some WireMessage) -> Bool
    /// Queues an answer behind those of its class: whether it found room.
    func queue(_ answer: RelayAnswer) -> Bool
    /// The session that a command comes in: an observer gets the answers to its own.
    var currentSession: UInt64 { get }
    /// Bytes of answers that wait to be sent.
    var queuedAnswerBytes: Int { get }
    func reply(_ error: ErrorMessage)
    /// A message of another kind that was in an envelope: whoever signed it, it only asks.
    func takeOpened(_ message: HostMessage)
}

/// Hands commands to the executor, and its answers to the host. It runs nothing itself.
///
/// What may run is decided three times: here for what concerns this life of the agent (epoch, ids,
/// room), there by the policy, and by the signature that the policy asks for.
final class CommandRelay {
    weak var home: (any CommandRelayHome)?
    let engine: IOEngine
    let configuration: CommandRelayConfiguration
    private(set) var epoch: Epoch
    /// The session that each command which has not been answered came in.
    private var sessions: [UInt64: UInt64] = [:]
    /// Keys of scripts that have not been answered.
    var scripts: Set<UInt64> = []
    let vmID: String
    let logger: Logger
    let timers: (port: TimerKey, frame: TimerKey, own: TimerKey)
    var ledger = CommandLedger()
    /// Answers that found no room in the agent's queue, in their order.
    var waiting: [RelayAnswer] = []
    /// Bytes that have left and that the executor was not given credit for.
    var owedBytes = 0
    var channel: FrameChannel?
    var port: Port?
    var child: ChildProcess?
    var startedAt: MonotonicTime?
    var isStopping = false
    /// Each is taken out while a value of it is used, and put back.
    var parser: JSONParser?
    private var payloadParser: JSONParser?

    init(
        engine: IOEngine, configuration: CommandRelayConfiguration, epoch: Epoch, vmID: String,
        timers: (port: TimerKey, frame: TimerKey, own: TimerKey), logger: Logger
    ) {
        self.engine = engine
        self.configuration = configuration
        self.epoch = epoch
        self.vmID = vmID
        self.timers = timers
        self.logger = logger
        if let path = configuration.policyPath, configuration.isManaged {
            logger.warning(
                "policy: \(path) is not used: the service that runs commands has its own")
        }
    }

    // MARK: From the host

    /// Takes a command that came without an envelope, from the parser that holds its message.
    func take(_ command: Command, of parser: borrowing JSONParser) {
        let root = parser.root
        let claimed = Self.epoch(of: root)
        relay(command, root, binding: claimed == nil ? .none : .epoch, claimed: claimed)
    }

    /// Takes a signed message. Its payload is looked into only for what kind it is and which id it
    /// has; whether the signature holds is for the executor to say.
    func takeEnvelope(_ envelope: SignedEnvelope, of outer: borrowing JSONParser) {
        let root = outer.root
        if payloadParser == nil { payloadParser = try? JSONParser() }
        guard var parser = payloadParser.take() else { return }
        do throws(JSONError) {
            try parser.parse(RawSpan(_elements: Array(envelope.payload.utf8).span))
            let message = HostMessage(parser.root)
            if case .command(let command) = message {
                let claimed = Self.epoch(of: root) ?? Self.epoch(of: parser.root)
                relay(command, root, binding: .envelope, claimed: claimed)
            } else {
                home?.takeOpened(message)
            }
        } catch {
            home?.reply(.invalid(error, wallMilliseconds: wall))
        }
        payloadParser = consume parser
    }

    /// The epoch that a message names; one that is no text is none that holds.
    private static func epoch(of message: JSONValue) -> String? {
        guard let value = message.member("epoch") else { return nil }
        return value.string ?? ""
    }

    private var wall: Int64 { WallTime.now.millisecondsSince1970 }

    private func relay(
        _ command: Command, _ root: JSONValue, binding: CommandBinding, claimed: String?
    ) {
        switch command.kind {
        case .execInput, .cancel:
            guard let id = command.ids.first else { return }
            feed(command.kind, id, root, binding, claimed)
        case .pendingScripts:
            relayScripts(command.ids, root, binding, claimed)
        default:
            guard let id = command.ids.first else { return }
            let verdict = ledger.admit(
                id: id, kind: command.kind, binding: binding, claimed: claimed, epoch: epoch,
                hasRoom: hasRoom, at: .now)
            switch verdict {
            case .run(let key):
                run(key, command.kind, id, root, binding, streams: claimed != nil)
            case .underWay: follow(id)
            case .repeated(let response): repeatResponse(response)
            case .refused(let code, let reason): refuse(command.kind, id, code, reason)
            }
        }
    }

    /// Each script is a command of its own: one that ran is not run again, and the others are.
    private func relayScripts(
        _ ids: [String], _ root: JSONValue, _ binding: CommandBinding, _ claimed: String?
    ) {
        guard configuration.asksForScripts else {
            for id in ids {
                refuse(.pendingScripts, id, .refusedByPolicy, "no pending scripts were asked for")
            }
            return
        }
        var keys: [String: UInt64] = [:]
        for id in ids {
            let verdict = ledger.admit(
                id: id, kind: .pendingScripts, binding: binding, claimed: claimed, epoch: epoch,
                hasRoom: hasRoom, at: .now)
            switch verdict {
            case .run(let key): keys[id] = key
            case .underWay: follow(id)
            case .repeated(let completion): repeatResponse(completion)
            case .refused(let code, let reason): refuse(.pendingScripts, id, code, reason)
            }
        }
        guard !keys.isEmpty else { return }
        let failure =
            connect()
            ?? (send(.scripts(keys: keys, binding: binding), root)
                ? nil : (.busy, "the executor is behind: send it again later"))
        for (id, key) in keys {
            if let (code, reason) = failure {
                ledger.refused(key)
                refuse(.pendingScripts, id, code, reason)
            } else {
                scripts.insert(key)
                sessions[key] = home?.currentSession
            }
        }
    }

    /// Asks for the scripts that should have run while this machine was away, where that is wanted.
    func askForScripts() {
        guard configuration.asksForScripts else { return }
        // One that finds no room is sent in the next session.
        _ = home?.send(PendingScriptsRequest(vmID: vmID, wallMilliseconds: wall))
    }

    /// Who asks again in a session of its own gets the answer there: an observer is given what was
    /// asked for in its own session, and would wait for ever for what it asked in the one before.
    private func follow(_ id: String) {
        guard let key = ledger.key(of: id), sessions[key] != nil else { return }
        sessions[key] = home?.currentSession
    }

    /// Room for the answers of one command more, beside the window that all share.
    private var hasRoom: Bool {
        let reserved =
            RelayLimits.windowBytes + (ledger.runningCount + 1) * CommandRelayLimits.answerBytes
        return waiting.isEmpty
            && (home?.queuedAnswerBytes ?? 0) + reserved
                <= AgentLimits.resultBytesMax
    }

    private func run(
        _ key: UInt64, _ kind: Command.Kind, _ id: String, _ root: JSONValue,
        _ binding: CommandBinding, streams: Bool
    ) {
        if let (code, reason) = connect() {
            ledger.refused(key)
            return refuse(kind, id, code, reason)
        }
        guard send(.run(key: key, id: id, binding: binding, streams: streams), root) else {
            ledger.refused(key)
            return refuse(kind, id, .busy, "the executor is behind: send it again later")
        }
        sessions[key] = home?.currentSession
    }

    /// Input and the end of a command that runs. They have no answer of their own, so that one
    /// which comes to nothing is told as an error.
    private func feed(
        _ kind: Command.Kind, _ id: String, _ root: JSONValue, _ binding: CommandBinding,
        _ claimed: String?
    ) {
        if let claimed, Epoch(claimed) != epoch {
            return fail(id, .stale, "it is for another life of the agent")
        }
        guard binding != .none else {
            return fail(id, .refusedByPolicy, "it names no epoch and is not signed")
        }
        guard let key = ledger.runningKey(of: id), port != nil else {
            return fail(id, .commandFailed, "no command of this id runs")
        }
        let isSent = kind == .cancel ? send(.cancel(key: key)) : send(.input(key: key), root)
        guard !isSent else { return }
        // A piece that is missing would make other bytes of what follows: the command is ended.
        fail(id, .resourceLimit, "the executor is behind; the command is cancelled")
        _ = send(.cancel(key: key))
    }

    private func fail(_ id: String, _ code: ErrorCode, _ reason: String) {
        var details = ErrorMessage.Details()
        details.reason = reason
        home?.reply(ErrorMessage(code, id: id, details: details, wallMilliseconds: wall))
    }

    func refuse(_ kind: Command.Kind, _ id: String, _ code: ErrorCode, _ reason: String) {
        let refusal = CommandResponse.refusal(
            of: kind, id: id, code, reason: reason, wallMilliseconds: wall)
        // One that finds no room is asked for again: the command was not run.
        _ = home?.send(refusal)
    }

    private func repeatResponse(_ response: RelayedMessage) {
        queue(RelayAnswer(repeating: response))
    }

    // MARK: To the host

    /// Takes an answer of the executor's.
    func take(_ answer: RelayAnswer) {
        switch answer.class {
        case .control:
            ledger.refused(answer.key)
            sessions[answer.key] = nil
            scripts.remove(answer.key)
            var message = answer.message
            message.wallMilliseconds = wall
            _ = home?.send(message)
        case .results:
            guard ledger.id(of: answer.key) == answer.message.id, ledger.isRunning(answer.key)
            else {
                logger.error("vireo-exec answered a command that does not run")
                owedBytes += answer.frameBytes
                return
            }
            if answer.isLast {
                ledger.answered(answer.key, answer.message)
                scripts.remove(answer.key)
            }
            queue(answer)
        }
    }

    func queue(_ answer: RelayAnswer) {
        if waiting.isEmpty, home?.queue(answer) ?? false { return }
        // Credit bounds this: what waits here has not left.
        waiting.append(answer)
    }

    /// An answer has left the agent's queue: its number is given, and its bytes are in the ring.
    func left(_ answer: RelayAnswer) {
        owedBytes += answer.frameBytes
        if answer.isLast { sessions[answer.key] = nil }
    }

    /// The session of the command that this answers; `nil` for a response that is repeated, which
    /// answers whoever is there.
    func session(of answer: RelayAnswer) -> UInt64? { sessions[answer.key] }

    /// Another epoch has begun: a snapshot was restored. What runs goes on, and what ran is known.
    func renew(_ epoch: Epoch) {
        self.epoch = epoch
        if port != nil { _ = send(.hello(epoch: epoch, vmID: vmID)) }
    }

    /// The host has all of a command's answers.
    func acknowledged(_ key: UInt64) {
        ledger.acknowledged(key, at: .now)
        setTimer()
    }

    /// To be called after each turn: queues what waits, gives credit, and writes.
    func settle() {
        while let first = waiting.first, home?.queue(first) ?? false { waiting.removeFirst() }
        if owedBytes > 0, send(.credit(bytes: owedBytes)) { owedBytes = 0 }
        channel?.sendMore()
    }

    func setTimer() {
        engine.setTimer(timers.own, at: ledger.nextExpiry)
    }
}
