public import Agent
import IOEngine
public import Kernel
import Logging
import Port
import Probes

/// What the agent is told, from all the places where it may be said.
///
/// ```swift
/// let sources = SettingSources(environment: SettingSources.currentEnvironment(), flags: flags)
/// let configuration = try Configuration(sources)
/// try Agent.run(configuration.agent, version: agentVersion, logger: logger)
/// ```
public struct Configuration: Sendable {
    public let settings: Settings
    public let agent: AgentConfiguration

    /// Reads and checks everything.
    ///
    /// - Throws: `ProgramFailure` with exit code 78, or 64 when a flag is to blame.
    public init(_ sources: SettingSources) throws(ProgramFailure) {
        let settings: Settings
        do {
            settings = try sources.read()
        } catch {
            if case .value(.flag, _, _) = error { throw ProgramFailure(.usage, "\(error)") }
            throw ProgramFailure(.configuration, "\(error)")
        }
        try self.init(settings)
    }

    /// Checks what the values mean, beside what each may be.
    ///
    /// - Throws: `ProgramFailure` with exit code 78, or 64 when a flag is to blame.
    public init(_ settings: Settings) throws(ProgramFailure) {
        self.settings = settings
        agent = try Self.agent(settings)
        do {
            try agent.validate()
        } catch {
            let isFlag = settings[.vmID].origin == .flag("--vm-id")
            throw ProgramFailure(isFlag ? .usage : .configuration, error.description)
        }
    }

    private static func agent(_ settings: Settings) throws(ProgramFailure) -> AgentConfiguration {
        var agent = AgentConfiguration(vmID: settings.text(.vmID))
        agent.endpoint = try endpoint(settings)
        agent.allowsForeignPort = settings.bool(.allowForeignPort)
        agent.engine =
            switch settings.text(.engine) {
            case "uring": .uring
            case "epoll": .epoll
            default: .automatic
            }
        agent.intervalSeconds = settings.number(.interval)
        let processes = settings.integer(.processes)
        // Who asks for no processes has always been spared the ports too.
        let areAskedFor = settings[.ports].origin != .builtIn
        agent.probes = ProbeOptions(
            processesMax: processes, processesSeconds: settings.number(.processesInterval),
            ports: settings.bool(.ports) && (processes > 0 || areAskedFor),
            portsSeconds: settings.number(.portsInterval))
        agent.requiresAcknowledgement = settings.bool(.requireAck)
        if settings.bool(.spool), let folder = settings.text(.stateDirectory) {
            agent.spoolFolder = "\(folder)/spool"
        }
        agent.commands.policyPath = settings.text(.policy)
        agent.commands.asksForScripts = settings.bool(.pendingScripts)
        agent.logLevel = settings.text(.logLevel).flatMap { Logger.Level(rawValue: $0) }
        return agent
    }

    /// Of a device and a name, the one that was said in the later place counts; the device in the
    /// same place.
    private static func endpoint(_ settings: Settings) throws(ProgramFailure) -> PortEndpoint {
        let device = settings[.device]
        let name = settings[.name]
        do throws(PortError) {
            if case .text(let text) = device.value, device.origin.rank >= name.origin.rank {
                return try PortEndpoint(parsing: text)
            }
            if case .text(let text) = name.value {
                return .named([try PortName(text)])
            }
            return .named(PortName.defaults)
        } catch {
            let origin = max(device.origin, name.origin)
            let isFlag = origin.rank == SettingOrigin.flag("").rank
            throw ProgramFailure(isFlag ? .usage : .configuration, "\(origin): \(error)")
        }
    }
}

extension SettingOrigin: Comparable {
    fileprivate var rank: Int {
        switch self {
        case .builtIn: 0
        case .file: 1
        case .environment: 2
        case .flag: 3
        }
    }

    public static func < (left: SettingOrigin, right: SettingOrigin) -> Bool {
        left.rank < right.rank
    }
}
