import Foundation
import Testing

/// Configuration files, and what SIGHUP does with them.
@Suite(.ownThread) struct ConfigurationReloadTests {
    private func write(_ text: String, to scene: Scene) throws -> [String] {
        let path = scene.path("config.yaml")
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return ["--config", path]
    }

    /// An agent whose interval and rows come from its file.
    private func start(
        _ scene: Scene, _ text: String, _ environment: [String: String] = [:]
    ) throws -> (Program, Connection) {
        let listener = try Listener(scene.path("host.sock"))
        let flags = try write("device: unix:\(scene.path("host.sock"))\n\(text)", to: scene)
        let agent = try scene.start([Products.vireod] + flags, environment: environment)
        return (agent, scene.keep(try listener.accept()))
    }

    private func reload(_ agent: Program, _ scene: Scene, _ text: String) throws {
        _ = try write("device: unix:\(scene.path("host.sock"))\n\(text)", to: scene)
        agent.signal(SIGHUP)
    }

    @Test func aReloadTakesUpWhatMayChangeAndNamesWhatTakesARestart() throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let (agent, host) = try start(
            scene, "interval: 3600\nprocesses: 0\nvm_id: first\n", ["NOTIFY_SOCKET": manager.path])
        #expect(try host.readGreeting().text("vm_id") == "first")
        let before = try host.readMessage("metrics")
        #expect((before.list("data.processes") ?? []).isEmpty)
        try reload(
            agent, scene,
            "interval: 0.05\nprocesses: 3\nvm_id: second\nengine: epoll\nlog_level: debug\n")
        // The interval was an hour: that more of them come is its doing.
        for _ in 0..<3 { _ = try host.readMessage("metrics") }
        try waitUntil("a sample with processes") {
            try host.readMessage("metrics").list("data.processes")?.count == 3
        }
        try manager.receive("RELOADING=1")
        try manager.receive("READY=1")
        let error = agent.errorText
        #expect(error.contains("taken up by a restart alone: engine, vm_id"), "\(error)")
        #expect(error.contains("log_level debug"), "\(error)")
    }

    @Test func aBadFileChangesNothingAndSaysWhy() throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let (agent, host) = try start(
            scene, "interval: 0.05\n", ["NOTIFY_SOCKET": manager.path])
        _ = try host.readGreeting()
        try reload(agent, scene, "interval: 3600\nintervall: 1\n")
        try manager.receive("RELOADING=1")
        let ready = try manager.receive()
        #expect(ready.first == "READY=1")
        #expect(ready.contains { $0.contains("new configuration refused") }, "\(ready)")
        try waitUntil("the reason") { agent.errorText.contains("stays as it was") }
        #expect(agent.errorText.contains("config.yaml:3:1: unknown key \"intervall\""))
        for _ in 0..<5 { _ = try host.readMessage("metrics") }
        try reload(agent, scene, "interval: 0.06\n")
        try waitUntil("the next one") { agent.errorText.contains("interval 0.06 s") }
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0))
    }

    @Test func aBadConfigurationEndsTheStartWith78() throws {
        let scene = try Scene()
        defer { scene.end() }
        let flags = try write("interval: 0.01\n", to: scene)
        let agent = try scene.start([Products.vireod] + flags)
        #expect(try agent.waitForEnd() == .exited(78))
        #expect(agent.errorText.contains("config.yaml:1:11: 0.01 is out of range"))
    }

    @Test func flagsGoBeforeTheEnvironmentAndThatBeforeTheFile() throws {
        let scene = try Scene()
        defer { scene.end() }
        let flags = try write("interval: 7\nprocesses: 8\nvm_id: file\n", to: scene)
        let show = try scene.start(
            [Products.vireo, "config", "show", "--origin", "--json"] + flags,
            environment: ["VIREO_INTERVAL": "5", "INFINIBAY_VM_ID": "variable"])
        #expect(try show.waitForEnd() == .exited(0))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(show.outputBytes)) as? [String: Any])
        func member(_ key: String) -> String {
            let entry = object[key] as? [String: Any]
            return "\(entry?["value"] ?? "none") \(entry?["origin"] ?? "none")"
        }
        #expect(member("interval") == "5 environment")
        #expect(member("processes") == "8 file")
        #expect(member("vm_id") == "variable environment")
        #expect(member("engine") == "auto default")
        let place = (object["processes"] as? [String: Any])?["place"] as? String
        #expect(place == "\(scene.path("config.yaml")):2")
    }

    @Test(arguments: ["metrics-only", "safe", "allow-all"])
    func theProgramPrintsPoliciesAndChecksThem(_ name: String) throws {
        let scene = try Scene()
        defer { scene.end() }
        let sample = try scene.start([Products.vireo, "config", "sample", "--policy", name])
        #expect(try sample.waitForEnd() == .exited(0))
        let path = scene.path("policy.yaml")
        try sample.outputText.write(toFile: path, atomically: true, encoding: .utf8)
        // Its keys show that it is a policy; below /tmp it is in everybody's hands.
        let validate = try scene.start([Products.vireo, "config", "validate", path])
        #expect(try validate.waitForEnd() == .exited(78))
        #expect(validate.errorText.contains("not trusted: /tmp is a directory where everybody"))
    }

    @Test(arguments: [
        ("interval: 1\n", nil), ("intervall: 1\n", "did you mean \"interval\"?"),
        ("name: \"a/b\"\n", "config.yaml:1: "), ("actions: [al]\n", "not trusted"),
    ])
    func theProgramChecksAConfiguration(_ text: String, _ expected: String?) throws {
        let scene = try Scene()
        defer { scene.end() }
        let path = try write(text, to: scene)[1]
        let validate = try scene.start([Products.vireo, "config", "validate", path])
        #expect(try validate.waitForEnd() == .exited(expected == nil ? 0 : 78))
        #expect(validate.errorText.isEmpty == (expected == nil))
        if let expected {
            #expect(validate.errorText.contains(expected), "\(validate.errorText)")
        }
    }

    @Test func aKeyIsMadeOnceAndForItsOwnerAlone() throws {
        let scene = try Scene()
        defer { scene.end() }
        let path = scene.path("ops.key")
        let command = [Products.vireo, "config", "key", "--id", "ops-1", path]
        let first = try scene.start(command)
        #expect(try first.waitForEnd() == .exited(0))
        let secret = try String(contentsOfFile: path, encoding: .utf8)
        #expect(secret.hasPrefix("ed25519-private ops-1 "))
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(first.outputText.contains("public_key: "))
        let word = secret.split(separator: " ").last?.trimmingCharacters(
            in: .whitespacesAndNewlines)
        #expect(!first.outputText.contains(try #require(word)))
        let second = try scene.start(command)
        #expect(try second.waitForEnd() == .exited(74))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == secret)
    }
}
