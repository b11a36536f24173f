public import IOEngine
public import Kernel
public import Logging
public import Port
import Wire

/// The executor: admits commands that the agent relays, runs them, and answers.
///
/// ```swift
/// let service = try CommandService(
///     engine: engine, authority: DefaultAuthority(planner: planner), planner: planner,
///     isolation: Isolation(), logger: logger)
/// service.adopt(descriptor)          // or: service.listen(on: descriptor)
/// while !service.isFinished {
///     engine.turn { completion in _ = service.handle(completion) }
///     service.settle()
/// }
/// ```
///
/// One agent at a time; others wait in the listener's queue until it has left. What is said between
/// the two is in `RelayRequest` of `Wire`. It never sees the port.
public final class CommandService: PortOwner, CommandRunnerOwner {
    let engine: IOEngine
    let runner: CommandRunner
    let authority: any CommandAuthority
    let planner: any ActionPlanner
    let logger: Logger
    let channel: FrameChannel
    private let firstTimer: TimerKey
    /// Each is taken out while a value of it is used, and put back.
    private var parser: JSONParser?
    var payloadParser: JSONParser?
    private var client: Port?
    private var listener: Stream?
    /// Who may connect, beside root and the user of this process.
    private let peerUser: UInt32?
    var epoch: Epoch?
    var jobs: [CommandJob] = []
    private var nextRunKey: UInt64 = 1
    /// Bytes of answers that the agent has not given credit for.
    var outstandingBytes = 0
    private(set) var isEnding = false
    /// The one agent that there is has left, and no other can come.
    private var isAbandoned = false

    /// Timers that a service takes, from the first on.
    public static let timerCount = CommandRunner.timerCount + 2
    /// Streams of the engine that it takes at most.
    public static let streamCount = CommandRunner.streamCount + 2

    /// - Parameters:
    ///   - engine: carries all that the service does; its completions are passed to ``handle(_:)``.
    ///   - authority: decides what may run.
    ///   - planner: knows how the named actions are carried out.
    ///   - isolation: where commands run, and what holds them.
    ///   - logger: is given what happens, and the record of each command.
    ///   - firstTimer: the first of ``timerCount`` timers of the engine that are the service's.
    ///   - peerUser: a user who may connect, beside root and the user of this process.
    ///   - ownsProcess: see ``CommandRunner``.
    /// - Throws: `ProgramFailure` when there is no memory for it.
    public init(
        engine: IOEngine, authority: any CommandAuthority, planner: any ActionPlanner,
        isolation: Isolation, logger: Logger, firstTimer: TimerKey = TimerKey(0),
        peerUser: UInt32? = nil, ownsProcess: Bool = false
    ) throws(ProgramFailure) {
        self.engine = engine
        self.authority = authority
        self.planner = planner
        self.logger = logger
        self.firstTimer = firstTimer
        self.peerUser = peerUser
        do {
            channel = try FrameChannel(engine: engine, registers: false)
            parser = try JSONParser()
            payloadParser = try JSONParser()
        } catch {
            throw ProgramFailure(.tryAgain, "\(error)")
        }
        runner = CommandRunner(
            engine: engine, isolation: isolation, firstTimer: TimerKey(firstTimer.number + 2),
            ownsProcess: ownsProcess)
        runner.owner = self
    }

    // MARK: Agents

    /// Serves the agent at the other end of a connected socket, and ends when it leaves.
    public func adopt(_ descriptor: consuming FileDescriptor) {
        serve(descriptor)
    }

    /// Serves whoever connects, one at a time.
    ///
    /// - Throws: what attaching the descriptor says.
    public func listen(on descriptor: consuming FileDescriptor) throws(EngineError) {
        let stream = try engine.attach(descriptor, .device)
        listener = stream
        engine.watch(stream)
    }

    private func serve(_ descriptor: consuming FileDescriptor) {
        outstandingBytes = 0
        epoch = nil
        let port = Port(
            engine: engine, endpoint: .descriptor(descriptor.release()), channel: channel,
            timers: (firstTimer, TimerKey(firstTimer.number + 1)))
        port.owner = self
        client = port
        port.start()
    }

    private func acceptNext() {
        guard let listener, client == nil, !isEnding else { return }
        while let socket = ListeningSocket.accept(engine.descriptorNumber(listener)) {
            guard let peer = try? PeerCredentials(of: socket) else { continue }
            guard [0, PeerCredentials.ownUser, peerUser].contains(peer.user) else {
                logger.warning("user \(peer.user), process \(peer.pid), may not connect")
                continue
            }
            logger.info("agent connected, process \(peer.pid)")
            serve(socket)
            return
        }
    }

    /// Nothing is left to be done: it was told to end, or its one agent has left.
    public var isFinished: Bool {
        guard isEnding || isAbandoned else { return false }
        return runner.runningCount == 0 && (client == nil || hasSaidAll)
    }

    private var hasSaidAll: Bool {
        jobs.isEmpty && channel.unsentDataBytes == 0 && channel.unsentControlBytes == 0
            && !channel.isWriteInFlight
    }

    /// Ends all commands, as cancelled, and takes no more.
    public func end() {
        isEnding = true
        runner.killAll()
        for job in jobs where !job.isStarted { cancel(job) }
    }

    /// Takes a completion that is this service's; gives any other back.
    public func handle(_ completion: consuming Completion) -> Completion? {
        if let stream = completion.stream, stream == listener { return nil }
        guard let client else { return runner.handle(completion) }
        guard let other = client.handle(completion) else { return nil }
        return runner.handle(other)
    }

    /// To be called after each turn: starts what may run, and sends what may leave.
    public func settle() {
        acceptNext()
        startWaiting()
        sendAnswers()
        channel.sendMore()
    }

    /// A child of the process has ended: to be told of SIGCHLD.
    public func childEnded() { runner.childEnded() }

    // MARK: PortOwner

    public func hostArrived(at port: Port) {}
    public func hostLeft(_ port: Port) {}
    public func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {}

    public func portEnded(_ port: Port, with error: PortError) {
        logger.info("the agent left")
        client = nil
        for job in jobs { job.isOrphan = true }
        jobs.removeAll { !$0.isStarted || $0.isFinished }
        guard listener == nil else { return }
        isAbandoned = true
        runner.killAll()
    }

    public func framesCame(to port: Port) {
        channel.forEachReceived { received in
            switch received {
            case .frame(let readable, let count): take(readable, count)
            case .overlong(let bytes): logger.error("a frame of \(bytes) bytes from the agent")
            }
        }
    }

    private func take(_ readable: RawSpan, _ count: Int) {
        guard var parser = self.parser.take() else { preconditionFailure("a frame in a frame") }
        do throws(JSONError) {
            try parser.parse(readable, count: count)
            received(parser.root)
        } catch {
            logger.error("a frame from the agent is \(error)")
        }
        self.parser = consume parser
    }

    private func received(_ root: JSONValue) {
        guard let request = RelayRequest(root) else {
            logger.error("a frame from the agent says nothing known")
            return
        }
        switch request {
        case .hello(let epoch, let vmID):
            self.epoch = epoch
            authority.begin(epoch: epoch, vmID: vmID)
        case .run(let key, let id, let binding, let streams):
            guard let command = root.member("command") else { return }
            run(command, key: key, id: id, binding: binding, streams: streams)
        case .scripts(let keys, let binding):
            guard let list = root.member("command") else { return }
            runScripts(list, keys: keys, binding: binding)
        case .input(let key):
            guard let command = root.member("command") else { return }
            input(command, key: key)
        case .cancel(let key):
            if let job = job(key) { cancel(job) }
        case .credit(let bytes): outstandingBytes = max(0, outstandingBytes - max(0, bytes))
        }
    }

    /// The job of a key of the agent that is connected now.
    func job(_ key: UInt64) -> CommandJob? { jobs.first { $0.key == key && !$0.isOrphan } }

    // MARK: Running

    private func startWaiting() {
        for job in jobs where !job.isStarted {
            if case .compute(let body) = job.work {
                compute(job, body)
            } else if runner.hasRoom {
                job.state = .running
                logger.notice("\(job.audit.begin)")
                startStep(job)
            }
        }
    }

    private func compute(
        _ job: CommandJob, _ body: @Sendable () throws(ActionFailure) -> ActionAnswer
    ) {
        logger.notice("\(job.audit.begin)")
        let start = MonotonicTime.now
        let answer: CommandResponse
        do throws(ActionFailure) {
            let result = try body()
            answer = CommandAnswer.response(
                of: job, result,
                milliseconds: MonotonicTime.now.nanoseconds(since: start) / 1_000_000)
        } catch {
            answer = CommandAnswer.response(
                of: job, error,
                milliseconds: MonotonicTime.now.nanoseconds(since: start) / 1_000_000)
        }
        finish(job, answer)
    }

    func startStep(_ job: CommandJob) {
        guard let step = job.nextStep, runner.hasRoom else { return }
        let key = nextRunKey
        nextRunKey += 1
        job.runKey = key
        runner.start(step, key: key)
        giveInput(job)
    }

    // MARK: CommandRunnerOwner

    public func commandPrinted(_ key: UInt64) {}
    public func commandSlotFreed() {
        // A plan's next step waits for the place of the one before.
        for job in jobs where job.isBetweenSteps {
            if job.isCancelled || isEnding {
                finish(job, CommandAnswer.cancelled(job, runner.isolation.kind))
            } else {
                startStep(job)
            }
        }
    }

    public func commandEnded(_ key: UInt64, _ result: CommandResult) {
        guard let job = jobs.first(where: { $0.runKey == key }) else { return }
        job.runKey = nil
        job.result = result
        job.outputs.append(result.output)
        job.milliseconds += result.milliseconds
        let isBroken = result.outcome == .timedOut || result.outcome == .cancelled
        guard case .steps(_, let finish) = job.work, !isBroken else {
            self.finish(job, CommandAnswer.response(of: job, result))
            return
        }
        guard job.nextStep == nil || isEnding || job.isCancelled else { return startStep(job) }
        let answer: CommandResponse
        do throws(ActionFailure) {
            answer = CommandAnswer.response(
                of: job, try finish(job.outputs), milliseconds: job.milliseconds)
        } catch {
            answer = CommandAnswer.response(of: job, error, milliseconds: job.milliseconds)
        }
        self.finish(job, answer)
    }

    func finish(_ job: CommandJob, _ response: CommandResponse) {
        job.state = .finished(response)
        logger.notice(
            "\(job.audit.end(response.outcome, job.result, error: response.errorCode))")
        if job.isOrphan { jobs.removeAll { $0 === job } }
    }
}
