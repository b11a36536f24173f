import ArgumentParser
import Commands
import IOEngine
import Kernel
import Logging
import Systemd

/// The executor: flags in, ``CommandServer`` runs.
@main
struct VireoExec: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vireo-exec",
        abstract: "Runs commands for vireod, as far as a policy lets it.",
        discussion: """
            It is started by systemd on the first connection to its socket, or by vireod. It never \
            reads from the port: vireod hands it commands that it has parsed. SIGTERM ends what \
            runs and then itself.

            Exit codes: 0 ended as asked, 64 usage, 69 engine unavailable, 75 try again, 77 \
            permission, 78 policy.
            """,
        version: agentVersion)

    @Option(name: .long, help: "A connected socket to serve, in place of one to listen on.")
    var fd: Int32?

    @Option(
        name: .customLong("peer-user"),
        help: "A user who may connect, beside root and the one this runs as. (default: vireo)")
    var peerUser: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What may be run. (default: /etc/vireo/policy.yaml where systemd starts this; without "
                + "a policy only what changes nothing)", valueName: "file"))
    var policy: String?

    @Option(name: .long, help: "auto, uring or epoll.")
    var engine: String?

    @Option(
        name: .customLong("log-level"),
        help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    /// Who runs the agent where the package is installed.
    private static let agentUser = "vireo"
    private static let policyPath = "/etc/vireo/policy.yaml"

    func run() throws {
        var logger = Logger(label: "vireo-exec", factory: ServiceLogHandler.init)
        logger.logLevel = try level()
        do {
            let configuration = try serverConfiguration()
            try CommandServer.run(
                configuration, authority: try authority(logger), planner: CatalogPlanner(),
                logger: logger)
        } catch let failure as ProgramFailure {
            logger.error("\(failure)")
            throw ExitCode(failure.code.rawValue)
        }
    }

    /// What `--policy` names; the installed policy without it, which may come later and be taken by
    /// a reload: while there is none, what only looks.
    private func authority(_ logger: Logger) throws(ProgramFailure) -> PolicyAuthority {
        try PolicyAuthority(
            path: policy ?? (fd == nil ? Self.policyPath : nil), mayBeMissing: policy == nil,
            credentialsDirectory: environmentVariable("CREDENTIALS_DIRECTORY"), logger: logger)
    }

    private func level() throws -> Logger.Level {
        guard let name = logLevel ?? environmentVariable("VIREO_LOG_LEVEL") else { return .info }
        guard let level = Logger.Level(rawValue: name) else {
            throw ValidationError("--log-level takes trace to critical, not \(name)")
        }
        return level
    }

    private func serverConfiguration() throws -> CommandServer.Configuration {
        var result = CommandServer.Configuration()
        if let name = engine ?? environmentVariable("VIREO_ENGINE") {
            guard let choice = IOEngine.Choice(rawValue: name) else {
                throw ValidationError("--engine takes auto, uring or epoll, not \(name)")
            }
            result.engine = choice
        }
        do {
            result.peerUser = try UserIdentity(named: peerUser ?? Self.agentUser).user
        } catch {
            // Without a package installed there is no such user, and nobody more may connect.
            if let peerUser {
                throw ProgramFailure(.usage, "--peer-user: \(peerUser): \(error)")
            }
        }
        result.connection = fd
        result.listeners = ActivatedSockets.take()
        guard fd != nil || !result.listeners.isEmpty else {
            throw ProgramFailure(
                .usage,
                "there is no socket to serve: enable vireo-exec.socket, or let vireod "
                    + "start this program")
        }
        return result
    }
}
