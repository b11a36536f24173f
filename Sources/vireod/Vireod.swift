import Agent
import ArgumentParser
import Configuration
import Kernel
import Logging
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

            What no flag says is looked for in the environment (VIREO_INTERVAL and so on), in \
            /etc/vireo/conf.d/*.yaml, in /etc/vireo/config.yaml, and then has a default: see \
            vireo config show --origin, and vireo config sample for all of it.

            Exit codes: 0 ended as asked, 64 usage, 69 port or engine unavailable, 74 input or \
            output, 75 try again, 77 permission, 78 configuration.
            """,
        version: agentVersion)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The port's node, unix:PATH of a socket to connect to, or fd:N of an open descriptor.",
            discussion: "Environment: VIREO_DEVICE, else INFINISERVICE_DEVICE.", valueName: "device"
        ))
    var device: String?

    @Option(name: .long, help: "The port's name, in place of the two default ones.")
    var name: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "auto, uring or epoll. (default: auto)",
            discussion: "A forced engine that is refused ends the agent with 69."))
    var engine: EngineName?

    @Option(name: .long, help: "Seconds between samples, 0.05 to 86400. (default: 30)")
    var interval: Double?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many processes a sample lists, 0 to 10000. (default: 20)",
            discussion: "0 leaves out processes, and ports unless the setting ports says true.",
            valueName: "count"))
    var processes: Int?

    @Option(
        name: .customLong("vm-id"),
        help: "What the agent calls itself. (default: the machine id; INFINIBAY_VM_ID, VIREO_VM_ID)"
    )
    var vmID: String?

    @Option(
        name: .customLong("log-level"),
        help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: LevelName?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration in place of /etc/vireo/config.yaml; conf.d lies beside it.",
            valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What the host may ask for. (default: only what changes nothing)",
            discussion: "Not for the installed service: that of vireo-exec has its own.",
            valueName: "file"))
    var policy: String?

    @Flag(
        name: .customLong("allow-foreign-port"),
        help: "Take the port of qemu-ga when there is none of ours.")
    var allowForeignPort = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep numbered messages in this folder too, so that they outlive the agent.",
            discussion: """
                The folder is the agent's alone, mode 0700. In the configuration: spool: true \
                (VIREO_SPOOL=true), which takes spool in state_directory.
                """,
            valueName: "folder"))
    var spool: String?

    @Flag(name: .long, help: "Send one handshake and one sample, then end.")
    var once = false

    func run() throws {
        var logger = Logger(label: "vireod", factory: ServiceLog.handler)
        defer { ServiceLog.flush() }
        do {
            let sources = sources()
            let (isOnce, spool) = (once, spool)
            let read = { () throws(ProgramFailure) -> AgentConfiguration in
                var configuration = try Configuration(sources).agent
                configuration.isOnce = isOnce
                configuration.spoolFolder = spool ?? configuration.spoolFolder
                configuration.commands.socketPath = environmentVariable("VIREO_EXEC_SOCKET")
                configuration.commands.isManaged = environmentVariable("NOTIFY_SOCKET") != nil
                return configuration
            }
            let configuration = try read()
            logger.logLevel = configuration.logLevel ?? logger.logLevel
            try Agent.run(
                configuration, version: agentVersion, logger: logger, reload: read)
        } catch {
            logger.error("\(error)", metadata: .event(.agentFailed))
            throw ExitCode(error.code.rawValue)
        }
    }

    /// Where the configuration is looked for, the flags as they were given among them.
    private func sources() -> SettingSources {
        var flags: [Setting.Key: String] = [:]
        flags[.device] = device
        flags[.name] = name
        flags[.engine] = engine?.rawValue
        flags[.interval] = interval.map { "\($0)" }
        flags[.processes] = processes.map { "\($0)" }
        flags[.vmID] = vmID
        flags[.logLevel] = logLevel?.rawValue
        flags[.policy] = policy
        if allowForeignPort { flags[.allowForeignPort] = "true" }
        return SettingSources(
            file: config, environment: SettingSources.currentEnvironment(), flags: flags)
    }
}

/// What `--engine` takes.
enum EngineName: String, ExpressibleByArgument, CaseIterable {
    case auto
    case uring
    case epoll
}

/// What `--log-level` takes.
enum LevelName: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
