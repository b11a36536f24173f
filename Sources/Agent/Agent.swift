import IOEngine
public import Kernel
public import Logging
import Port
import Systemd
import Wire

/// The guest daemon put together: probes to messages, messages to the port, requests back.
///
/// ```swift
/// var configuration = AgentConfiguration()
/// configuration.endpoint = .socket("/run/host.sock")
/// configuration.intervalSeconds = 1
/// try Agent.run(configuration, version: "1.0", logger: Logger(label: "vireod"))
/// ```
///
/// One thread does all input and output, one more takes the samples. Neither ever waits for the
/// other.
public enum Agent {
    /// Runs until SIGTERM or SIGINT, then drains for at most two seconds.
    ///
    /// Blocks the signals TERM, INT and HUP for the calling thread and those that it starts.
    ///
    /// - Parameters:
    ///   - configuration: what to begin with; it is checked first.
    ///   - version: of the agent, as its handshakes say it.
    ///   - logger: is given all that the agent has to say of itself.
    ///   - reload: reads the configuration again, after SIGHUP; on the loop's own thread. What it
    ///     throws is logged, and the configuration stays as it was.
    /// - Throws: `ProgramFailure` when it cannot start, or not go on.
    public static func run(
        _ configuration: AgentConfiguration, version: String, logger: Logger,
        reload: AgentReload? = nil
    ) throws(ProgramFailure) {
        try configuration.validate()
        let signals: FileDescriptor
        do {
            signals = try Signals.descriptor(
                for: [Signals.terminate, Signals.interrupt, Signals.hangUp])
        } catch {
            throw ProgramFailure(.software, "signals cannot be had: \(error)")
        }
        let engine: IOEngine
        do {
            engine = try IOEngine(configuration.engine)
        } catch {
            throw ProgramFailure(.unavailable, "the engine cannot be had: \(error)")
        }
        report(engine, logger)
        let loop = try AgentLoop(configuration, version: version, engine: engine, logger: logger)
        loop.reloadConfiguration = reload
        try loop.run(signals: signals)
    }

    /// Says once which engine runs and why.
    private static func report(_ engine: IOEngine, _ logger: Logger) {
        if let fallback = engine.fallback {
            logger.notice(
                "engine \(engine.kind.rawValue), because \(fallback)",
                metadata: .event(
                    .engineFellBack,
                    [
                        "engine": "\(engine.kind.rawValue)",
                        "errno": "\(fallback.errno.rawValue)",
                    ]))
        } else {
            logger.info(
                "engine \(engine.kind.rawValue)",
                metadata: .event(.engineChosen, ["engine": "\(engine.kind.rawValue)"]))
        }
    }
}
