import ArgumentParser

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What to write into configurations.",
        subcommands: [ConfigQEMUCommand.self, ConfigLibvirtCommand.self])
}
