import Commands
import Foundation
import IOEngine
import Kernel
import Logging
import Systemd
import Wire

/// The executor with nobody to refuse anything: for tests, and never installed.
///
/// `allow-all-executor SOCKET ENGINE cgroup:PATH|process_group`
@main
struct AllowAllExecutor {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let engine = IOEngine.Choice(rawValue: arguments[2]) else {
            exit(64)
        }
        var logger = Logger(label: "allow-all-executor", factory: ServiceLogHandler.init)
        logger.logLevel = .info
        var configuration = CommandServer.Configuration()
        configuration.engine = engine
        let isolation = arguments[3]
        configuration.isolation =
            isolation.hasPrefix("cgroup:")
            ? .below(String(isolation.dropFirst(7))) : .processGroup
        configuration.listeners = [try ListeningSocket.open(arguments[1]).release()]
        let planner = TestPlanner()
        try CommandServer.run(
            configuration, authority: AllowAll(), planner: planner, logger: logger)
    }
}

/// Runs what it is asked to. Envelopes are signed when they say so, by whoever they say.
final class AllowAll: CommandAuthority {
    func begin(epoch: Epoch, vmID: String) {}

    func verify(_ envelope: SignedEnvelope) -> EnvelopeVerdict {
        guard case .vireo(_, let keyID, _, _, _, "good") = envelope.authentication else {
            return .refused(
                AdmissionRefusal(
                    .permissionDenied, reason: "the signature does not hold", rule: "keys"))
        }
        return .signed(by: keyID)
    }

    func admit(_ request: CommandRequest, _ message: JSONValue) -> Admission {
        switch request.body {
        case .exec(let program):
            var command = CommandSpecification(arguments: program.arguments)
            command.environment.merge(program.environment) { $1 }
            command.directory = program.directory ?? "/"
            command.userName = program.userName
            command.takesInput = program.takesInput
            command.timeoutSeconds = request.timeoutSeconds ?? 30
            return .run(command, rule: "test.all")
        case .shell(let shell):
            var command = CommandSpecification(arguments: ["/bin/sh", "-c", shell.command])
            command.timeoutSeconds = request.timeoutSeconds ?? 30
            return .run(command, rule: "test.all")
        case .action: return .action(rule: "test.all", timeoutSeconds: request.timeoutSeconds)
        }
    }

    func reload() {}
}

/// Two actions: one that is computed, one that runs two programs.
final class TestPlanner: ActionPlanner {
    func isReadOnly(_ kind: Command.Kind, _ message: JSONValue) -> Bool {
        message.member("command_type")?.member("action")?.string == "Compute"
    }

    func plan(
        _ kind: Command.Kind, _ message: JSONValue
    ) throws(ActionFailure) -> ActionPlan {
        switch message.member("command_type")?.member("action")?.string {
        case "Compute":
            return .compute { () throws(ActionFailure) in
                ActionAnswer(
                    standardOutput: "computed", standardError: "", exitCode: 0, success: true,
                    commandType: "safe", dataJSON: #"{"answer":42}"#)
            }
        case "Programs":
            let commands = ["one", "two"].map {
                PlannedCommand(arguments: ["/bin/echo", $0], environment: [:])
            }
            return .run(commands) { outputs throws(ActionFailure) in
                let texts = outputs.map { String(decoding: $0.standardOutput, as: UTF8.self) }
                return ActionAnswer(
                    standardOutput: texts.joined(separator: "+"), standardError: "",
                    exitCode: 0, success: true, commandType: "safe")
            }
        default:
            throw ActionFailure(code: .unsupportedPlatform, reason: "there is no such action")
        }
    }
}
