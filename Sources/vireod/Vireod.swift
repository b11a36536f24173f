import Agent
import ArgumentParser
import IOEngine
import Kernel
import Logging
import Port
import Probes
import Systemd

/// The guest agent: flags in, ``Agent`` runs.
@main
struct Vireod: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vireod",
        abstract: "Reports a virtual machine's metrics over a virtio port.",
        discussion: """
            Without flags the port is found by its name, org.infinibay.agent or \
            org.infinibay.0. When no host is connected the agent waits without using the \
            processor. SIGTERM ends it after at most two seconds, SIGHUP reloads.

            Exit codes: 0 ended as asked, 64 usage, 69 port or engine unavailable, 74 input or \
            output, 75 try again, 77 permission.
            """,
        version: agentVersion)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The port's node, unix:PATH of a socket to connect to, or fd:N of an open descriptor.",
            discussion: "Environment: INFINISERVICE_DEVICE, VIREO_DEVICE.", valueName: "device"))
    var device: String?

    @Option(name: .long, help: "The port's name, in place of the two default ones.")
    var name: String?

    @Option(
        name: .long,
        help: "auto, uring or epoll. A forced engine that is refused ends the agent with 69.")
    var engine: EngineName?

    @Option(name: .long, help: "Seconds between samples, 0.05 to 86400. (default: 30)")
    var interval: Double?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many processes a sample lists. 0 leaves out processes and ports. (default: 20)",
            valueName: "count"))
    var processes: Int?

    @Option(
        name: .customLong("vm-id"),
        help: "What the agent calls itself. (default: the machine id; INFINIBAY_VM_ID, VIREO_VM_ID)"
    )
    var vmID: String?

    @Option(
        name: .customLong("log-level"),
        help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: LevelName?

    @Flag(
        name: .customLong("allow-foreign-port"),
        help: "Take the port of qemu-ga when there is none of ours.")
    var allowForeignPort = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep numbered messages in this folder too, so that they outlive the agent.",
            discussion: "The folder is the agent's alone, mode 0700. Environment: VIREO_SPOOL.",
            valueName: "folder"))
    var spool: String?

    @Flag(name: .long, help: "Send one handshake and one sample, then end.")
    var once = false

    func run() throws {
        let level =
            logLevel ?? environmentVariable("VIREO_LOG_LEVEL").flatMap(LevelName.init) ?? .info
        var logger = Logger(label: "vireod", factory: ServiceLogHandler.init)
        logger.logLevel = level.level
        do {
            try Agent.run(try agentConfiguration(), version: agentVersion, logger: logger)
        } catch let failure as ProgramFailure {
            logger.error("\(failure)")
            throw ExitCode(failure.code.rawValue)
        } catch let error as PortError {
            logger.error("\(error)")
            throw ExitCode(ProgramFailure.Code.usage.rawValue)
        }
    }

    /// Defaults, then the environment, then flags.
    private func agentConfiguration() throws -> AgentConfiguration {
        let id =
            vmID ?? environmentVariable("VIREO_VM_ID") ?? environmentVariable("INFINIBAY_VM_ID")
        var result = AgentConfiguration(vmID: id)
        if let device = device ?? environmentVariable("VIREO_DEVICE")
            ?? environmentVariable("INFINISERVICE_DEVICE")
        {
            result.endpoint = try PortEndpoint(parsing: device)
        } else if let name = name ?? environmentVariable("VIREO_NAME") {
            result.endpoint = .named([try PortName(name)])
        }
        let engineName = engine ?? environmentVariable("VIREO_ENGINE").flatMap(EngineName.init)
        result.engine = engineName?.choice ?? .automatic
        let seconds = interval ?? environmentVariable("VIREO_INTERVAL").flatMap(Double.init)
        result.intervalSeconds = seconds ?? AgentLimits.intervalSecondsDefault
        if let processes {
            guard processes >= 0 else { throw ValidationError("--processes takes 0 or more") }
            result.probes = ProbeOptions(processesMax: processes, ports: processes > 0)
        }
        result.allowsForeignPort = allowForeignPort
        result.isOnce = once
        result.spoolFolder = spool ?? environmentVariable("VIREO_SPOOL")
        return result
    }
}

/// What `--engine` takes.
enum EngineName: String, ExpressibleByArgument, CaseIterable {
    case auto
    case uring
    case epoll

    var choice: IOEngine.Choice {
        switch self {
        case .auto: .automatic
        case .uring: .uring
        case .epoll: .epoll
        }
    }
}

/// What `--log-level` takes.
enum LevelName: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level {
        Logger.Level(rawValue: rawValue) ?? .info
    }
}
