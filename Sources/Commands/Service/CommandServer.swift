public import IOEngine
public import Kernel
public import Logging
import Systemd

/// The program that runs commands, put together: signals, sockets, the loop, and its end.
///
/// ```swift
/// var configuration = CommandServer.Configuration()
/// configuration.connection = 3
/// try CommandServer.run(configuration, authority: authority, planner: planner, logger: logger)
/// ```
public enum CommandServer {
    /// All that it is told before it starts.
    public struct Configuration: Sendable {
        public var engine = IOEngine.Choice.automatic
        public var isolation = Isolation.Choice.automatic
        /// A connected socket that the agent left open for this program.
        public var connection: Int32?
        /// Sockets that the service manager listens on; the first is used.
        public var listeners: [Int32] = []
        /// A user who may connect, beside root and the user of this process.
        public var peerUser: UInt32?

        public init() {}
    }

    /// Milliseconds that answers may take to leave after SIGTERM.
    static let endMilliseconds: UInt64 = 3000

    /// Runs until SIGTERM, or until the one agent it was given has left.
    ///
    /// - Throws: `ProgramFailure` when it cannot start.
    public static func run(
        _ configuration: Configuration, authority: any CommandAuthority,
        planner: any ActionPlanner, logger: Logger
    ) throws(ProgramFailure) {
        // A journal that does not read, as while its file system is frozen, holds nothing up.
        if environmentVariable("JOURNAL_STREAM") != nil { StandardError.setNonBlocking() }
        let signals: FileDescriptor
        do {
            signals = try Signals.descriptor(
                for: [Signals.terminate, Signals.interrupt, Signals.hangUp, Signals.child])
        } catch {
            throw ProgramFailure(.software, "signals cannot be had: \(error)")
        }
        let engine: IOEngine
        do {
            engine = try IOEngine(
                configuration.engine, streamsMax: CommandService.streamCount + 8)
        } catch {
            throw ProgramFailure(.unavailable, "the engine cannot be had: \(error)")
        }
        let isolation = Isolation(configuration.isolation)
        if let reason = isolation.reason {
            logger.notice("commands are kept together by process group, because \(reason)")
        }
        let service = try CommandService(
            engine: engine, authority: authority, planner: planner, isolation: isolation,
            logger: logger, peerUser: configuration.peerUser, ownsProcess: true)
        do throws(EngineError) {
            let stream = try engine.attach(signals, .device)
            engine.watch(stream)
            try connect(service, configuration)
            loop(service, engine, signals: stream, authority, logger)
        } catch {
            throw ProgramFailure(.unavailable, "\(error)")
        }
    }

    private static func connect(
        _ service: CommandService, _ configuration: Configuration
    ) throws(EngineError) {
        if let connection = configuration.connection {
            service.adopt(FileDescriptor(owning: connection))
        } else if let listener = configuration.listeners.first {
            try service.listen(on: FileDescriptor(owning: listener))
        }
    }

    private static func loop(
        _ service: CommandService, _ engine: IOEngine, signals: Stream,
        _ authority: any CommandAuthority, _ logger: Logger
    ) {
        let notifier = ServiceNotifier()
        notifier.ready(status: "waiting for commands")
        var limit: MonotonicTime?
        service.settle()
        while !service.isFinished {
            if let limit, MonotonicTime.now >= limit { break }
            var pending: [Int32] = []
            engine.turn(until: limit) { completion in
                guard let own = service.handle(completion) else { return }
                guard own.stream == signals else { return }
                while let signal = Signals.next(engine.descriptorNumber(signals)) {
                    pending.append(signal)
                }
            }
            for signal in pending {
                switch signal {
                case Signals.child: service.childEnded()
                case Signals.hangUp: authority.reload()
                default:
                    guard limit == nil else { continue }
                    notifier.stopping(status: "ending what runs")
                    limit = MonotonicTime.now.adding(milliseconds: endMilliseconds)
                    service.end()
                }
            }
            service.settle()
        }
        logger.info("ended")
        // The kernel may still use the slabs of descriptors that are open: nothing is taken down.
        endProcess(0)
    }
}
