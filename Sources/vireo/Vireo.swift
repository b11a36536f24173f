import Agent
import ArgumentParser
import Glibc
import Host
import IOEngine
import Kernel
import Terminal

/// The host's side, and what a person asks of a guest.
@main
struct Vireo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vireo",
        abstract: "Watches virtual machines over their virtio ports, and looks into one.",
        version: agentVersion,
        subcommands: [
            BenchCommand.self, Demo.self, Ports.self, Sample.self, HostCommand.self,
            ConfigCommand.self,
        ])
}

struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "The host's side of a guest's port.",
        subcommands: [WatchCommand.self])
}

/// What `--engine` takes.
enum EngineName: String, ExpressibleByArgument, CaseIterable {
    case auto
    case uring
    case epoll

    var choice: IOEngine.Choice { IOEngine.Choice(rawValue: rawValue) ?? .automatic }
}

/// The view for standard output: a live table in a terminal, rows in a pipe.
func makeView(note: String) -> any WatchView {
    let appearance = Appearance(environment: environmentVariable)
    if isTerminal(STDOUT_FILENO), environmentVariable("TERM") != "dumb" {
        return DashboardWatchView(
            descriptor: STDOUT_FILENO, appearance: appearance, note: note)
    }
    return PlainRowsWatchView(descriptor: STDOUT_FILENO, appearance: appearance)
}

/// Says something on standard error, where nothing of a stranger's may act on a terminal.
func complain(_ text: String) {
    try? FileDescriptor.writeAll("vireo: \(escaped(text))\n", to: STDERR_FILENO)
}

/// Ends the program with what a failure says, on standard error, and its exit code.
func fail(_ failure: ProgramFailure) -> ExitCode {
    complain("\(failure)")
    return ExitCode(failure.code.rawValue)
}
