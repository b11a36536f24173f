import ArgumentParser
import Commands
import Configuration
import Glibc
import Kernel
import Wire
import YAML

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "What the agent is told: shown, checked, begun with.",
        subcommands: [
            ConfigShow.self, ConfigValidate.self, ConfigSample.self, ConfigKey.self,
            ConfigQEMUCommand.self, ConfigLibvirtCommand.self,
        ])
}

struct ConfigShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints the value of every setting.",
        discussion: """
            Files and environment are those that this program sees: run it as the agent's user, \
            with the agent's environment.

            Exit codes: 0 all is well, 78 the configuration is bad.
            """)

    @Flag(name: .long, help: "And where each comes from.")
    var origin = false

    @Flag(name: .long, help: "One JSON object.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The configuration in place of /etc/vireo/config.yaml; conf.d lies beside it.",
            valueName: "file"))
    var config: String?

    func run() throws {
        let settings: Settings
        do {
            let sources = SettingSources(
                file: config, environment: SettingSources.currentEnvironment())
            settings = try Configuration(sources).settings
        } catch {
            throw fail(error)
        }
        let text = json ? object(settings) : table(settings)
        try FileDescriptor.writeAll(text, to: STDOUT_FILENO)
    }

    private func table(_ settings: Settings) -> String {
        var text = ""
        for setting in Setting.table {
            let entry = settings[setting.key]
            var line = "\(setting.key.rawValue): \(entry.value?.description ?? "")"
            if origin {
                line += String(repeating: " ", count: max(1, 40 - line.count)) + "# \(entry.origin)"
            }
            text += line + "\n"
        }
        return shownText(text)
    }

    private func object(_ settings: Settings) -> String {
        let members = Setting.table.map { setting in
            let entry = settings[setting.key]
            let value = entry.value.map(jsonValue) ?? "null"
            let name = JSONText.quoted(setting.key.rawValue)
            guard origin else { return "\(name):\(value)" }
            let place = JSONText.quoted("\(entry.origin)")
            let kind = JSONText.quoted(entry.origin.kind)
            return "\(name):{\"value\":\(value),\"origin\":\(kind),\"place\":\(place)}"
        }
        return "{\(members.joined(separator: ","))}\n"
    }

    private func jsonValue(_ value: SettingValue) -> String {
        if case .text(let text) = value { return JSONText.quoted(text) }
        return "\(value)"
    }
}

struct ConfigValidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Checks a configuration or a policy.",
        discussion: """
            Which of the two a file is shows in its keys. A policy has to be in the right hands \
            too: it and every directory above it belong to root or to you, and nobody else may \
            write to them.

            Exit codes: 0 it is good, 78 it is bad.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case config, policy
    }

    @Option(name: .long, help: "config or policy, where the keys do not show it.")
    var kind: Kind?

    @Argument(help: "The file.")
    var file: String

    func run() throws {
        do {
            let root = try SettingSources.parse(file)
            switch kind ?? Self.kind(of: root) {
            case .policy:
                let policy = try Policy.load(try absolute(file))
                try say("\(file): a good policy: \(Self.summary(of: policy))\n")
            case .config:
                var settings = Settings()
                try settings.apply(root)
                _ = try Configuration(settings)
                try say("\(file): a good configuration\n")
            }
        } catch let error as Errno {
            throw error
        } catch {
            throw fail(ProgramFailure(.configuration, "\(error)"))
        }
    }

    /// What it comes to, so that a policy that allows everything does not look like any other.
    private static func summary(of policy: Policy) -> String {
        let actions = policy.actions.map(\.name)
        let commands = policy.commands.map(\.name)
        func list(_ names: [String]) -> String {
            names.isEmpty ? "none" : names.joined(separator: ", ")
        }
        return """
            actions \(list(actions)); commands \(list(commands)); raw commands \
            \(policy.rawCommands == nil ? "off" : "on"); pending scripts \
            \(policy.pendingScripts == nil ? "off" : "on"); signatures for \
            \(policy.signatures.rawValue)
            """
    }

    private func say(_ text: String) throws {
        try FileDescriptor.writeAll(shownText(text), to: STDOUT_FILENO)
    }

    private static func kind(of root: YAMLNode) -> Kind {
        guard case .mapping(let entries) = root.content else { return .config }
        let settings = Setting.table.map(\.key.rawValue)
        func nearCount(_ names: [String]) -> Int {
            entries.count { nearestName(to: $0.key, among: names) != nil }
        }
        let policyKeys = entries.count { Policy.keysKnown.contains($0.key) }
        let settingKeys = entries.count { settings.contains($0.key) }
        guard policyKeys == settingKeys else { return policyKeys > settingKeys ? .policy : .config }
        // Where no key is known, the names that they are nearest to.
        return nearCount(Policy.keysKnown) > nearCount(settings) ? .policy : .config
    }

    private func absolute(_ path: String) throws -> String {
        path.hasPrefix("/") ? path : "\(try Folders.current())/\(path)"
    }
}

struct ConfigSample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample",
        abstract: "Prints a configuration with every setting, or a policy, to begin with.")

    @Option(name: .long, help: "Print a policy: metrics-only, safe or allow-all.")
    var policy: PolicySampleName?

    enum PolicySampleName: String, ExpressibleByArgument, CaseIterable {
        case metricsOnly = "metrics-only"
        case safe
        case allowAll = "allow-all"
    }

    func run() throws {
        let sample = policy.flatMap { PolicySample(rawValue: $0.rawValue) }
        try FileDescriptor.writeAll(
            sample?.text ?? ConfigurationSample.yaml, to: STDOUT_FILENO)
    }
}
