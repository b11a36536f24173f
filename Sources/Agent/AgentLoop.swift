import DequeModule
import IOEngine
import Kernel
import Logging
import Port
import Probes
import Session
import Slabs
import Systemd
import Wire

/// The agent's one loop.
final class AgentLoop {
    /// The engine's timers that are the agent's.
    enum Key {
        static let portOpen = TimerKey(0)
        static let portFrame = TimerKey(1)
        static let sample = TimerKey(2)
        static let watchdog = TimerKey(3)
        static let drain = TimerKey(4)
        static let session = TimerKey(5)
        static let relay = (port: TimerKey(6), frame: TimerKey(7), own: TimerKey(8))
        static let spool = TimerKey(9)
    }

    /// What waits to be sent as data.
    indirect enum Message {
        case metrics(MetricsSample)
        case result(RelayAnswer)
    }

    var configuration: AgentConfiguration
    var reloadConfiguration: AgentReload?
    let version: String
    let engine: IOEngine
    var logger: Logger
    let notifier = ServiceNotifier()
    let channel: FrameChannel
    let port: Port
    let sampler: SamplerThread
    /// Numbers, acknowledgements, and what they allow to leave.
    var session: GuestSession
    /// What is numbered is on disk too; see `AgentLoop+Spool.swift`.
    var spool: AgentSpool?
    /// A handshake that has not found its place in the control ring.
    var pendingGreeting: SessionGreeting?
    /// The session asked for another epoch, and a write in flight is waited for.
    var mustRenewEpoch = false
    /// What the channel had handed to the port when the session was last told.
    var departedBytes: UInt64 = 0
    /// What the session's timer is set to.
    var sessionDeadline: UInt64?
    /// Numbers of the last answers to commands, in order, until they are acknowledged.
    var answerNumbers = Deque<(number: UInt64, key: UInt64)>()
    let commands: CommandRelay
    var parser: JSONParser
    var outbox = Outbox<Message>()
    var replies = ReplyBudget()
    var framesRefused: UInt64 = 0
    /// Whether it was said of this host that it does not read.
    var hasSaidNoRoom = false
    var framesAnswered: UInt64 = 0
    /// Answers that were too long for an observer.
    var answersRefused: UInt64 = 0
    /// The next sample is due then, whatever else asks for one.
    private var nextSample = MonotonicTime.now
    private var isReady = false
    private var isHeartbeatDue = false
    private var failure: ProgramFailure?
    private var stage = Stage.running
    private var registration: IOEngine.Registration?
    private var stuckProbe: String?
    private var hasReleasedPages = false

    private enum Stage {
        case running
        /// SIGTERM came: what waits is sent, for at most two seconds.
        case draining
        case closing
        /// The port did not close in time, and the process ends without it.
        case givenUp
    }

    init(
        _ configuration: AgentConfiguration, version: String, engine: IOEngine, logger: Logger
    ) throws(ProgramFailure) {
        self.configuration = configuration
        self.version = version
        self.engine = engine
        self.logger = logger
        let epoch = SessionEpoch(MachineIdentity.newEpoch())
        spool = try AgentSpool(configuration, epoch, engine.waker, logger)
        session = GuestSession(
            epoch: epoch, requiresAcknowledgement: configuration.requiresAcknowledgement,
            awaitsMedium: spool != nil, earlier: spool?.numbers ?? [])
        if let level = configuration.logLevel { self.logger.logLevel = level }
        do {
            channel = try FrameChannel(engine: engine, keepsData: true)
            if !session.earlier.isEmpty { try channel.expectEarlier() }
        } catch {
            throw ProgramFailure(.tryAgain, "\(error)")
        }
        do {
            parser = try JSONParser()
        } catch {
            throw ProgramFailure(.tryAgain, "\(error)")
        }
        do {
            sampler = try SamplerThread(options: configuration.probes, waker: engine.waker)
        } catch {
            throw ProgramFailure(.tryAgain, "the sampler's thread cannot be started: \(error)")
        }
        port = Port(
            engine: engine, endpoint: configuration.endpoint, channel: channel,
            timers: (Key.portOpen, Key.portFrame), allowsForeign: configuration.allowsForeignPort)
        commands = CommandRelay(
            engine: engine, configuration: configuration.commands, epoch: Epoch(session.epoch),
            vmID: configuration.vmID, timers: Key.relay, logger: logger)
        port.owner = self
        commands.home = self
    }

    /// Turns until the end.
    func run(signals: consuming FileDescriptor) throws(ProgramFailure) {
        let signalStream: Stream
        do {
            signalStream = try engine.attach(signals, .device)
        } catch {
            throw ProgramFailure(.software, "\(error)")
        }
        engine.watch(signalStream)
        port.start()
        if spool?.isResting == true { restSpool() }
        becomeReady()
        sampleWasDue()
        startWatchdog()
        while stage != .givenUp, stage != .closing || !port.isClosed || !commands.isClosed {
            if stage == .draining, hasDrained {
                close()
                continue
            }
            engine.turn { completion in
                guard let other = port.handle(completion) else { return }
                guard let own = commands.handle(other) else { return }
                handle(own, signalStream)
            }
            sendMore()
            setSessionTimer()
            commands.settle()
            reportRegistration()
        }
        // The kernel may still use the slabs: nothing is taken down, the process just ends.
        if stage == .givenUp {
            ServiceLog.flush()
            endProcess(failure?.code.rawValue ?? 0)
        }
        sampler.end()
        if let failure { throw failure }
    }

    private func handle(_ completion: consuming Completion, _ signalStream: Stream) {
        switch consume completion {
        case .edge(let stream, _):
            if stream == signalStream { takeSignals(signalStream) }
        case .woken: woken()
        case .timer(let key): timerFired(key)
        case .read(_, let lease, _): lease.abandon()
        case .written(_, let lease, _): lease.abandon()
        case .closed: break
        }
    }

    private func timerFired(_ key: TimerKey) {
        switch key {
        case Key.sample: sampleWasDue()
        case Key.watchdog: beginHeartbeat()
        case Key.drain: stage == .draining ? close() : giveUp()
        case Key.session: sessionWasDue()
        case Key.spool: beginSpool()
        default: break
        }
    }

    // MARK: Signals and the end

    private func takeSignals(_ stream: Stream) {
        while let signal = Signals.next(engine.descriptorNumber(stream)) {
            if signal == Signals.hangUp {
                reload()
            } else {
                end(nil)
            }
        }
    }

    /// Begins the end: no more samples, and what waits is sent.
    func end(_ failure: ProgramFailure?) {
        guard stage == .running else { return }
        self.failure = failure
        stage = .draining
        notifier.stopping(status: "stopping: \(statusLine)")
        engine.setTimer(Key.sample, at: nil)
        let limit = MonotonicTime.now.adding(milliseconds: AgentLimits.drainMilliseconds)
        engine.setTimer(Key.drain, at: limit)
    }

    private var hasDrained: Bool {
        guard port.state == .present else { return true }
        let isSent = channel.unsentDataBytes == 0 && channel.unsentControlBytes == 0
        // What is not acknowledged ends with this epoch, so an acknowledgement is waited for.
        let isSafe = session.state != .acknowledged || session.keptMessages == 0
        return outbox.isEmpty && isSent && isSafe && !channel.isWriteInFlight
    }

    private func close() {
        guard stage != .closing else { return }
        stage = .closing
        let limit = MonotonicTime.now.adding(milliseconds: AgentLimits.closeMilliseconds)
        engine.setTimer(Key.drain, at: limit)
        engine.setTimer(Key.watchdog, at: nil)
        port.stop()
        commands.stop()
    }

    /// A device that does not let go must not keep the service from ending.
    private func giveUp() {
        logger.warning(
            "\(port.path) did not close in time", metadata: .event(.portStuck, fields))
        stage = .givenUp
    }

    // MARK: Samples

    /// The schedule is monotonic and keeps its rhythm; what was missed is skipped, not made up for.
    private func sampleWasDue() {
        guard stage == .running else { return }
        let now = MonotonicTime.now
        let interval = UInt64(configuration.intervalSeconds * 1e9)
        let missed = now.nanoseconds(since: nextSample) / interval
        nextSample = nextSample.adding(nanoseconds: (missed + 1) * interval)
        engine.setTimer(Key.sample, at: nextSample)
        sampler.request(at: now)
    }

    /// Begins the rhythm of another interval, with a sample at once.
    func restartSchedule() {
        nextSample = .now
        sampleWasDue()
    }

    private func woken() {
        takeSpoolOutcomes()
        if var sample = sampler.take() {
            noteStuckProbe(nil)
            fillCounters(&sample)
            queue(sample)
            notifier.status(statusLine)
            releaseStartUpPages()
        }
        if isHeartbeatDue { endHeartbeat() }
    }

    private func queue(_ sample: MetricsSample) {
        guard !configuration.isOnce || outbox.count(.metrics) == 0 else { return }
        let rows = sample.processes.count + sample.ports.count + sample.interfaces.count
        let bytes = AgentLimits.sampleBytes + rows * AgentLimits.rowBytes
        if case .queuedAfterDropping(let count) = outbox.append(
            .metrics(sample), class: .metrics, bytes: bytes)
        {
            logger.debug(
                "\(count) samples gave way to newer ones",
                metadata: .event(.samplesDropped, fields))
        }
    }

    /// After the first sample everything has run once, and what only starting needed is known to be
    /// of no more use.
    private func releaseStartUpPages() {
        guard !hasReleasedPages else { return }
        hasReleasedPages = true
        ProgramPages.release()
    }

    private func fillCounters(_ sample: inout MetricsSample) {
        var agent = sample.agent ?? AgentSample()
        let counters = channel.counters
        agent.engine = engine.kind.rawValue
        agent.framesReceived = counters.framesReceived
        // Before each handshake stands a lone newline.
        let newlines = session.counters.greetings
        let lines = channel.linesSent
        agent.framesSent = lines - min(lines, newlines)
        agent.bytesReceived = counters.bytesReceived
        agent.bytesSent = counters.bytesSent
        agent.metricsDropped = outbox.dropped
        agent.framesRefused = framesRefused + counters.framesOverlong
        agent.hostArrivals = port.arrivals
        agent.portOpens = port.opens
        sample.agent = agent
    }

    // MARK: Watchdog

    private func startWatchdog() {
        guard let interval = notifier.watchdogMicroseconds else { return }
        let next = MonotonicTime.now.adding(nanoseconds: interval * 1000 / 2)
        engine.setTimer(Key.watchdog, at: next)
    }

    /// The timer only asks: the answer has to come back through the kernel and the engine's
    /// completions, as every message does. A loop that does not get there sends nothing.
    private func beginHeartbeat() {
        isHeartbeatDue = true
        engine.waker.wake()
        startWatchdog()
    }

    private func endHeartbeat() {
        isHeartbeatDue = false
        guard let interval = notifier.watchdogMicroseconds else { return }
        if let since = sampler.pendingSince {
            let age = MonotonicTime.now.nanoseconds(since: since)
            // A thread that was asked and has not begun is stalled; one whose probe waits in the
            // kernel is reported by the probe's name, for a restart would end in the same wait.
            if age > interval * 1000, sampler.progress.currentProbe == nil { return }
            if age > interval * 1000 { noteStuckProbe(sampler.progress.currentProbe) }
        }
        notifier.watchdog()
    }

    private func noteStuckProbe(_ name: String?) {
        guard name != stuckProbe else { return }
        stuckProbe = name
        if let name {
            logger.warning(
                "the probe \(name) is stuck in the kernel; its figures are late",
                metadata: .event(.probeStuck, ["probe": "\(name)"]))
        }
        notifier.status(statusLine)
    }

    // MARK: State for people

    private func becomeReady() {
        isReady = true
        notifier.ready(status: statusLine)
    }

    func statusChanged() {
        if isReady { notifier.status(statusLine) }
    }

    /// One line: where the host is, what runs, what moved.
    var statusLine: String {
        let place =
            switch port.state {
            case .present: "host connected on \(port.path)"
            case .absent: "waiting for a host on \(port.path)"
            case .waiting, .idle: port.lastError.map { "\($0)" } ?? "looking for \(port.endpoint)"
            case .ended: "the connection has ended"
            }
        let counters = channel.counters
        var parts = [
            place + sessionState, "engine \(engine.kind.rawValue)",
            "sent \(channel.linesSent) frames",
            "received \(counters.framesReceived)", "dropped \(outbox.dropped)",
        ]
        if let spoolState { parts.append(spoolState) }
        if let stuckProbe { parts.append("probe \(stuckProbe) stuck") }
        return parts.joined(separator: ", ")
    }

    private func reportRegistration() {
        guard registration != engine.registration else { return }
        registration = engine.registration
        switch engine.registration {
        case .none: break
        case .registered: logger.debug("the slabs are registered with the kernel")
        case .retrying(let errno):
            logger.info(
                "registering the slabs failed: \(errno); trying again",
                metadata: .event(.registrationFailed, ["errno": "\(errno.rawValue)"]))
        case .refused(let errno):
            logger.notice(
                """
                the slabs are not registered: \(errno). Raise LimitMEMLOCK to 8M; going on without
                """,
                metadata: .event(.registrationFailed, ["errno": "\(errno.rawValue)"]))
        }
    }
}
