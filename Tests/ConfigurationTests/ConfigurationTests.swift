import Agent
import Foundation
import Kernel
import Logging
import Port
import Probes
import Testing
import YAML

@testable import Configuration

/// A configuration's files, which go with the test.
final class ConfigurationFolder {
    let path: String
    var main: String { "\(path)/config.yaml" }

    init() throws {
        path = NSTemporaryDirectory() + "/vireo-configuration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: "\(path)/conf.d", withIntermediateDirectories: true)
        try write("config.yaml", "")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }

    func sources(
        environment: [String: String] = [:], flags: [Setting.Key: String] = [:]
    ) -> SettingSources {
        SettingSources(file: main, environment: environment, flags: flags)
    }

    /// Why it is refused; `nil` when it is not.
    func failure(
        environment: [String: String] = [:], flags: [Setting.Key: String] = [:]
    ) -> ProgramFailure? {
        do {
            _ = try Configuration(sources(environment: environment, flags: flags))
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct ConfigurationTests {
    @Test func theTableHasEachKeyOnceAndTheAgentsDefaults() throws {
        #expect(Setting.table.map(\.key) == Setting.Key.allCases)
        for key in Setting.Key.allCases { #expect(key.setting.key == key) }
        let names = Setting.table.flatMap(\.environment)
        #expect(Set(names).count == names.count)
        // What is said nowhere is what an agent has by itself.
        let folder = try ConfigurationFolder()
        let configuration = try Configuration(folder.sources()).agent
        let own = AgentConfiguration()
        #expect(configuration.endpoint == own.endpoint)
        #expect(configuration.allowsForeignPort == own.allowsForeignPort)
        #expect(configuration.engine == own.engine)
        #expect(configuration.intervalSeconds == own.intervalSeconds)
        #expect(configuration.vmID == own.vmID)
        #expect(configuration.probes == own.probes)
        #expect(configuration.logLevel == .info)
    }

    @Test func theSampleHasEveryKeyAndSaysNothingButTheDefaults() throws {
        let folder = try ConfigurationFolder()
        let sample = ConfigurationSample.yaml
        try folder.write("config.yaml", sample)
        let settings = try folder.sources().read()
        for setting in Setting.table {
            #expect(settings[setting.key].value == setting.defaultValue, "\(setting.key)")
            #expect(sample.contains("\(setting.key.rawValue):"), "\(setting.key)")
            #expect(sample.contains(setting.expectation), "\(setting.key)")
            for name in setting.environment { #expect(sample.contains(name)) }
        }
        #expect(sample.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    /// Each place in turn: what comes later goes before.
    @Test func laterPlacesGoBeforeEarlierOnes() throws {
        let folder = try ConfigurationFolder()
        func entry(
            _ environment: [String: String] = [:], _ flags: [Setting.Key: String] = [:]
        ) throws -> Settings.Entry {
            try folder.sources(environment: environment, flags: flags).read()[.vmID]
        }
        #expect(try entry() == Settings.Entry(value: nil, origin: .builtIn))
        try folder.write("config.yaml", "interval: 5\nvm_id: main\n")
        #expect(
            try entry()
                == Settings.Entry(
                    value: .text("main"),
                    origin: .file(YAMLPlace(file: folder.main, line: 2, column: 1))))
        try folder.write("conf.d/20-b.yaml", "vm_id: twenty\n")
        #expect(try entry().value == .text("twenty"))
        try folder.write("conf.d/10-a.yaml", "vm_id: ten\n")
        #expect(try entry().value == .text("twenty"), "in the order of their names")
        try folder.write("conf.d/30-c.yaml.bak", "vm_id: not read\n")
        try folder.write("conf.d/.40.yaml", "vm_id: hidden\n")
        #expect(try entry().value == .text("twenty"))
        let old = try entry(["INFINIBAY_VM_ID": "old"])
        #expect(old == Settings.Entry(value: .text("old"), origin: .environment("INFINIBAY_VM_ID")))
        let new = try entry(["INFINIBAY_VM_ID": "old", "VIREO_VM_ID": "new"])
        #expect(new == Settings.Entry(value: .text("new"), origin: .environment("VIREO_VM_ID")))
        let flag = try entry(["VIREO_VM_ID": "new"], [.vmID: "flag"])
        #expect(flag == Settings.Entry(value: .text("flag"), origin: .flag("--vm-id")))
        #expect("\(flag.origin)" == "flag --vm-id")
        let settings = try folder.sources().read()
        #expect("\(settings[.interval].origin)" == "\(folder.main):1")
    }

    @Test func everySettingIsTakenFromEveryPlace() throws {
        let values: [Setting.Key: String] = [
            .device: "unix:/run/x", .name: "org.example.0", .allowForeignPort: "true",
            .engine: "epoll", .interval: "0.5", .processes: "3", .ports: "false",
            .processesInterval: "2.5", .portsInterval: "60", .vmID: "vm-9", .logLevel: "debug",
            .requireAck: "true", .policy: "/etc/p.yaml", .pendingScripts: "true",
            .stateDirectory: "/srv/state", .spool: "true",
        ]
        let folder = try ConfigurationFolder()
        for setting in Setting.table {
            let text = try #require(values[setting.key])
            let value = try #require(setting.value(text))
            #expect(value != setting.defaultValue)
            try folder.write("config.yaml", "\(setting.key.rawValue): \(text)\n")
            #expect(try folder.sources().read()[setting.key].value == value)
            try folder.write("config.yaml", "")
            for name in setting.environment {
                let settings = try folder.sources(environment: [name: text]).read()
                #expect(settings[setting.key].value == value, "\(name)")
            }
            guard setting.flag != nil else { continue }
            let settings = try folder.sources(flags: [setting.key: text]).read()
            #expect(settings[setting.key].value == value)
        }
    }

    @Test func theAgentGetsWhatIsSaid() throws {
        let folder = try ConfigurationFolder()
        try folder.write(
            "config.yaml",
            """
            device: unix:/run/x.sock
            engine: epoll
            interval: 0.25
            processes: 7
            ports: false
            processes_interval: 2.5
            ports_interval: 60
            vm_id: vm-9
            log_level: debug
            allow_foreign_port: true
            """)
        let agent = try Configuration(folder.sources()).agent
        #expect(agent.endpoint == .socket("/run/x.sock"))
        #expect(agent.engine == .epoll)
        #expect(agent.intervalSeconds == 0.25)
        #expect(
            agent.probes
                == ProbeOptions(
                    processesMax: 7, processesSeconds: 2.5, ports: false, portsSeconds: 60))
        #expect(agent.vmID == "vm-9" && agent.logLevel == .debug && agent.allowsForeignPort)
    }

    @Test func withoutProcessesThereAreNoPortsUnlessTheyAreAskedFor() throws {
        let folder = try ConfigurationFolder()
        #expect(try !Configuration(folder.sources(flags: [.processes: "0"])).agent.probes.ports)
        try folder.write("config.yaml", "ports: true\n")
        #expect(try Configuration(folder.sources(flags: [.processes: "0"])).agent.probes.ports)
    }

    @Test func ofDeviceAndNameTheLaterPlaceCounts() throws {
        let folder = try ConfigurationFolder()
        try folder.write("config.yaml", "device: unix:/a\nname: from.file\n")
        #expect(try Configuration(folder.sources()).agent.endpoint == .socket("/a"))
        let byFlag = try Configuration(folder.sources(flags: [.name: "org.x"])).agent.endpoint
        #expect(byFlag == .named([try PortName("org.x")]))
        let environment = ["INFINISERVICE_DEVICE": "/dev/vport1p1", "VIREO_NAME": "org.x"]
        #expect(
            try Configuration(folder.sources(environment: environment)).agent.endpoint
                == .device("/dev/vport1p1"))
    }

    @Test(arguments: [
        ("intervall: 3\n", ":1:1: unknown key \"intervall\"; did you mean \"interval\"?"),
        ("engine: auto\n\nvm-id: a\n", ":3:1: unknown key \"vm-id\"; did you mean \"vm_id\"?"),
        (
            "interval: 0.01\n",
            ":1:11: 0.01 is out of range; write a number from 0.05 to 86400 seconds"
        ),
        ("interval: soon\n", ":1:11: \"soon\" is not a number from 0.05"),
        ("processes: -1\n", "from 0 to 10000 rows"),
        ("processes: 1.5\n", "from 0 to 10000 rows"),
        ("engine: io_uring\n", "auto, uring or epoll"),
        ("log_level: loud\n", "trace, debug, info"),
        ("policy: p.yaml\n", "an absolute path"),
        ("spool: yes\n", "true or false"),
        ("name: [a, b]\n", "a list is not a text"),
        ("interval: 1\ninterval: 2\n", ":2:1: the key \"interval\" again"),
        ("- interval\n", "a list is not a mapping"),
        ("device: serial0\n", "serial0"),
        ("name: \"a/b\"\n", "a/b"),
        ("vm_id: \"\"\n", "is not a text"),
    ])
    func aBadFileIsRefusedWithItsPlace(text: String, expected: String) throws {
        let folder = try ConfigurationFolder()
        try folder.write("conf.d/50.yaml", text)
        let failure = try #require(folder.failure())
        #expect(failure.code == .configuration)
        #expect(failure.description.contains("50.yaml"), "\(failure)")
        #expect(failure.description.contains(expected), "\(failure)")
    }

    @Test func badVariablesAndFlagsAreNamed() throws {
        let folder = try ConfigurationFolder()
        let variable = folder.failure(environment: ["VIREO_INTERVAL": "soon"])
        #expect(variable?.code == .configuration)
        #expect(
            variable?.description.hasPrefix(
                "environment VIREO_INTERVAL: \"soon\" is not a number from 0.05 to 86400 seconds")
                == true)
        let flag = folder.failure(flags: [.interval: "0"])
        #expect(flag?.code == .usage)
        #expect(flag?.description.contains("flag --interval") == true)
        #expect(folder.failure(flags: [.name: "a b"])?.code == .usage)
        let long = String(repeating: "v", count: 129)
        #expect(folder.failure(flags: [.vmID: long])?.code == .usage)
        #expect(folder.failure(environment: ["VIREO_VM_ID": long])?.code == .configuration)
        #expect(folder.failure(environment: ["VIREO_ENGINE": ""]) == nil, "empty is not set")
    }

    @Test func aFileThatWasNamedHasToBeThere() throws {
        let folder = try ConfigurationFolder()
        let sources = SettingSources(file: "\(folder.path)/none.yaml")
        let failure = #expect(throws: ProgramFailure.self) { try Configuration(sources) }
        #expect(failure?.code == .configuration)
        #expect(failure?.description.contains("none.yaml cannot be read: ENOENT") == true)
    }

    @Test func whatIsNoShortRegularFileIsRefusedAtOnce() throws {
        let folder = try ConfigurationFolder()
        mkfifo("\(folder.path)/conf.d/10.yaml", 0o600)
        #expect(folder.failure()?.description.contains("no regular file") == true)
        unlink("\(folder.path)/conf.d/10.yaml")
        try folder.write("conf.d/10.yaml", String(repeating: "#", count: 1 << 20) + "\n")
        #expect(folder.failure()?.description.contains("more than 1 MiB") == true)
    }
}
