import Testing

@testable import Commands

private let example = """
    require_signature: none
    limits: {timeout: 60}
    actions:
      - read_only
      - {name: ServiceControl, operations: [restart], targets: ["nginx", "php*-fpm"]}
      - {name: Reboot, signed: true}
    commands:
      - name: restart
        path: /usr/bin/systemctl
        arguments: [restart, ["nginx", "web-[0-9]{1,2}"]]
        more_arguments: {patterns: ["[a-z]{1,8}", "--now"], min: 1, max: 2}
        user: deploy
        run_as: [www-data]
        directory: /srv
        directories: [/srv/sites]
        environment: {LANG: C, MODE: fast}
        environment_names: [MODE, TOKEN]
        limits: {timeout: 5, output_bytes: 2048, memory_bytes: 2097152, processes: 3, cpu_percent: 50}
      - {name: feed, path: /usr/bin/tee, input: true, signed: true}
    files: {read: [/var/log, /srv], write: [/srv/drop], bytes_max: 1000}
    keys:
      - {kid: all, algorithm: ed25519, file: /k1, may: all}
      - {kid: looks, algorithm: ed25519, file: /k2, may: read_only}
      - {kid: runs, algorithm: ed25519, file: /k3, may: [commands]}
    """

@Suite struct PolicyDecisionTests {
    let policy = try! Commands.Policy(parsing: Array(example.utf8), file: "p.yaml")
    static let right = ["/usr/bin/systemctl", "restart", "nginx", "now"]

    @Test func withoutAFileOnlyLookingIsAllowed() {
        let policy = Policy.default
        for name in ActionNames.readOnly {
            #expect(policy.decide(.action(name), .none).allowance?.rule == "actions.read_only")
        }
        for name in ActionNames.changing {
            #expect(policy.decide(.action(name, target: "nginx; id")).refusal != nil, "\(name)")
        }
        #expect(policy.decide(.action("ServiceControl", operation: "status")).allowance != nil)
        #expect(policy.decide(.action("Unknown")).refusal?.rule == "actions")
        #expect(policy.decide(.exec(["/bin/true"])).refusal?.rule == "commands")
        #expect(policy.decide(.shell("id", shell: nil)).refusal?.rule == "raw_commands")
        #expect(policy.decide(.pendingScript("id", shell: nil)).refusal?.rule == "pending_scripts")
        #expect(policy.decide(.fileRead(path: "/etc/passwd")).refusal?.rule == "files.read")
        #expect(policy.decide(.fileWrite(path: "/etc/passwd")).refusal?.rule == "files.write")
        #expect(!policy.requestsPendingScripts)
    }

    @Test func metricsOnlyAllowsNoAction() throws {
        let policy = try CommandsTests.policy(PolicySample.metricsOnly.text)
        for name in ActionNames.all { #expect(policy.decide(.action(name)).refusal != nil) }
    }

    @Test func allowAllAllowsWhatItSays() throws {
        let policy = try CommandsTests.policy(PolicySample.allowAll.text)
        for name in ActionNames.all { #expect(policy.decide(.action(name)).allowance != nil) }
        #expect(
            policy.decide(.exec(["/bin/echo", "-n", "a\nb"])).allowance?.rule == "raw_commands")
        #expect(
            policy.decide(.shell("id", shell: "bash")).allowance?.argv == ["/bin/bash", "-c", "id"])
        #expect(policy.decide(.shell("id", shell: "zsh")).refusal?.rule == "raw_commands")
        #expect(policy.decide(.exec(["echo"])).refusal?.reason.contains("absolute path") == true)
        let file = policy.decide(.fileRead(path: "/etc/hostname")).allowance?.file
        #expect(file?.directory == "/" && file?.relativePath == "etc/hostname")
        #expect(policy.decide(.pendingScript("id", shell: nil)).refusal != nil)
        #expect(
            policy.decide(.exec(["/bin/true"])) { $0.environment = [.init("LD_PRELOAD", "/x")] }
                .refusal?.reason.contains("never set") == true)
    }

    @Test func whoNamesNoEpochMayOnlyLook() {
        #expect(policy.decide(.action("SystemInfo"), .none).allowance != nil)
        #expect(policy.decide(.exec(Self.right), .none).refusal?.rule == "session")
        #expect(policy.decide(.fileRead(path: "/var/log/x"), .none).refusal?.rule == "session")
        #expect(policy.decide(.cancel, .none).refusal?.rule == "session")
        #expect(policy.decide(.cancel).allowance != nil)
    }

    @Test func actionsAreBoundToOperationsAndTargets() {
        func service(_ operation: String?, _ target: String?) -> Decision {
            policy.decide(.action("ServiceControl", operation: operation, target: target))
        }
        #expect(service("restart", "nginx").allowance?.rule == "actions.ServiceControl")
        #expect(service("restart", "php8.2-fpm").allowance != nil)
        #expect(service("stop", "nginx").refusal?.rule == "actions.ServiceControl")
        #expect(service("restart", "nginx;id").refusal != nil)
        #expect(service("restart", "--now").refusal != nil)
        #expect(service("restart", nil).refusal != nil)
        #expect(service(nil, "nginx").refusal != nil)
        #expect(service("status", "anything").allowance?.rule == "actions.read_only")
        #expect(policy.decide(.action("Reboot")).refusal?.reason.contains("signed") == true)
        #expect(policy.decide(.action("Reboot"), .signed("all")).allowance != nil)
        #expect(policy.decide(.action("SystemInfo")) { $0.runAs = "root" }.refusal != nil)
        #expect(policy.decide(.action("SystemInfo")).allowance?.limits.timeoutSeconds == 60)
    }

    @Test func aNamedCommandIsResolved() throws {
        for program in ["/usr/bin/systemctl", "restart"] {
            let argv = [program] + Self.right.dropFirst()
            let allowance = try #require(policy.decide(.exec(argv)).allowance)
            #expect(allowance.rule == "commands.restart")
            #expect(allowance.argv == Self.right)
            #expect(allowance.needsTrustedProgram)
            #expect(allowance.user == "deploy")
            #expect(allowance.directory == "/srv")
            #expect(allowance.environment == [.init("LANG", "C"), .init("MODE", "fast")])
            #expect(allowance.limits.timeoutSeconds == 5)
            #expect(allowance.limits.inputBytes == CommandLimits().inputBytes)
            #expect(!allowance.allowsInput)
        }
    }

    @Test(arguments: [
        ["restart", "nginx"], ["restart", "nginx", "a", "b", "c"], ["stop", "nginx", "now"],
        ["restart", "web-123", "now"], ["restart", "nginx", "NOW"],
        ["restart", "nginx", "--later"],
        ["restart", "nginx", ""], [], ["restart", "nginx", "a\0"],
        ["restart", "nginx", String(repeating: "a", count: 300)],
    ])
    func otherArgumentsAreRefused(arguments: [String]) {
        let refusal = policy.decide(.exec(["/usr/bin/systemctl"] + arguments)).refusal
        #expect(refusal?.rule.hasPrefix("commands") == true)
        #expect(refusal?.reason.isEmpty == false)
    }

    @Test func whoWhereAndTheEnvironmentAreOnlyWhatTheRuleNames() throws {
        func decide(_ change: (inout PolicyRequest) -> Void) -> Decision {
            policy.decide(.exec(Self.right), .epoch, change)
        }
        #expect(decide { $0.runAs = "www-data" }.allowance?.user == "www-data")
        #expect(decide { $0.runAs = "deploy" }.allowance?.user == "deploy")
        #expect(decide { $0.runAs = "root" }.refusal?.reason.contains("run_as") == true)
        #expect(decide { $0.directory = "/srv/sites/a" }.allowance?.directory == "/srv/sites/a")
        for path in ["/srv/sitesx", "/", "/srv/sites/../..", "srv", "/srv/sites//a", "/srv/sites/"]
        {
            #expect(decide { $0.directory = path }.refusal != nil, "\(path)")
        }
        let set = decide { $0.environment = [.init("MODE", "slow"), .init("TOKEN", "x")] }
        #expect(
            set.allowance?.environment
                == [.init("LANG", "C"), .init("MODE", "slow"), .init("TOKEN", "x")])
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "LANG", "OTHER", "", "A=B"] {
            #expect(decide { $0.environment = [.init(name, "x")] }.refusal != nil, "\(name)")
        }
        #expect(decide { $0.environment = [.init("MODE", "a\0b")] }.refusal != nil)
        #expect(
            decide { $0.environment = [.init("MODE", "a"), .init("MODE", "b")] }.refusal != nil)
        #expect(decide { $0.hasInput = true }.refusal?.reason.contains("input") == true)
    }

    @Test func limitsCanBeLoweredAndNotRaised() throws {
        func limits(_ change: (inout RequestedLimits) -> Void) -> CommandLimits? {
            policy.decide(.exec(Self.right)) { change(&$0.limits) }.allowance?.limits
        }
        #expect(limits { $0.timeoutSeconds = 1 }?.timeoutSeconds == 1)
        #expect(limits { $0.timeoutSeconds = 3600 }?.timeoutSeconds == 5)
        #expect(limits { $0.memoryBytes = .max }?.memoryBytes == 2_097_152)
        #expect(limits { $0.processes = 1 }?.processes == 1)
        #expect(limits { $0.outputBytes = 0 }?.outputBytes == 0)
        #expect(limits { $0.timeoutSeconds = 0 } == nil)
        #expect(limits { $0.timeoutSeconds = .nan } == nil)
        #expect(limits { $0.timeoutSeconds = -1 } == nil)
        #expect(limits { $0.processes = 0 } == nil)
        #expect(limits { $0.outputBytes = -1 } == nil)
    }

    @Test func aKeyIsGoodForWhatItMayDo() {
        let command = PolicyRequest.Operation.exec(Self.right)
        #expect(policy.decide(command, .signed("all")).allowance != nil)
        #expect(policy.decide(command, .signed("runs")).allowance != nil)
        #expect(policy.decide(command, .signed("looks")).refusal?.rule == "keys.looks")
        #expect(policy.decide(command, .signed("other")).refusal?.rule == "keys")
        #expect(policy.decide(.action("OsInfo"), .signed("looks")).allowance != nil)
        #expect(policy.decide(.action("Reboot"), .signed("looks")).refusal?.rule == "keys.looks")
        #expect(policy.decide(.action("Reboot"), .signed("runs")).refusal?.rule == "keys.runs")
        let file = PolicyRequest.Operation.fileRead(path: "/var/log/x")
        #expect(policy.decide(file, .signed("runs")).refusal?.rule == "keys.runs")
        let fed = PolicyRequest.Operation.exec(["feed"])
        #expect(policy.decide(fed).refusal?.reason == "it has to be signed")
        #expect(policy.decide(fed, .signed("runs")) { $0.hasInput = true }.allowance != nil)
    }

    /// A rule that refuses must not hand a request on to a wider one that the key is not good for.
    @Test func aKeyForCommandsNeverReachesRawCommands() throws {
        var policy = policy
        policy.rawCommands = RawRule()
        policy.rawCommands?.execution.runAs = ["root"]
        let decision = policy.decide(.exec(Self.right), .signed("runs")) { $0.runAs = "root" }
        #expect(decision.refusal?.rule == "commands.restart")
        #expect(policy.decide(.exec(["/bin/sh"]), .signed("runs")).refusal?.rule == "keys.runs")
        #expect(
            policy.decide(.exec(["/bin/sh"]), .signed("all")).allowance?.rule == "raw_commands")
    }

    @Test func signaturesAreRequiredWhereThePolicySaysSo() {
        var policy = policy
        policy.signatures = .changes
        #expect(policy.decide(.action("OsInfo"), .none).allowance != nil)
        #expect(policy.decide(.exec(Self.right)).refusal?.rule == "require_signature")
        #expect(policy.decide(.cancel).refusal?.rule == "require_signature")
        #expect(policy.decide(.exec(Self.right), .signed("all")).allowance != nil)
        policy.signatures = .all
        #expect(policy.decide(.action("OsInfo")).refusal?.rule == "require_signature")
        #expect(policy.decide(.action("OsInfo"), .signed("looks")).allowance != nil)
    }

    @Test func pendingScriptsAreAlwaysSigned() throws {
        let policy = try CommandsTests.policy(
            "pending_scripts: true\nkeys: [{kid: a, algorithm: ed25519, file: /k, may: all}]\n")
        #expect(policy.requestsPendingScripts)
        let script = PolicyRequest.Operation.pendingScript("id", shell: "sh")
        #expect(policy.decide(script).refusal?.reason == "it has to be signed")
        #expect(policy.decide(script, .signed("a")).allowance?.argv == ["/bin/sh", "-c", "id"])
        #expect(policy.decide(.shell("id", shell: nil), .signed("a")).refusal != nil)
    }

    @Test func filesLieBelowTheListedDirectories() {
        func file(_ path: String) -> FileAllowance? {
            policy.decide(.fileRead(path: path)).allowance?.file
        }
        #expect(
            file("/var/log/a/b")
                == FileAllowance(directory: "/var/log", relativePath: "a/b", bytesMax: 1000))
        for path in [
            "/var/log", "/var/log/", "/var/logs/a", "/var/log/../x", "/var/log/./a", "var/log/a",
            "/var/log//a", "/etc/passwd", "", "/var/log/a\0b",
        ] {
            #expect(file(path) == nil, "\(path)")
        }
        #expect(policy.decide(.fileWrite(path: "/srv/drop/a")).allowance?.rule == "files.write")
        #expect(policy.decide(.fileWrite(path: "/srv/a")).refusal?.rule == "files.write")
    }

    @Test func refusalsShowNoControlCharacters() {
        let refusal = policy.decide(.exec(["/x\u{1b}[31m\n" + String(repeating: "y", count: 999)]))
            .refusal
        #expect(refusal?.description.unicodeScalars.contains { $0.isControl } == false)
        #expect((refusal?.description.count ?? 999) < 260)
    }
}
