import Foundation
import Testing

/// Scripts that should have run while a machine was away. Source: InfiniService's messages
/// `request_pending_scripts`, `pending_scripts_response` and `script_completion`; protocol,
/// "Commands".
@Suite(.ownThread) struct PendingScriptTests {
    private func scene(_ engine: Engine) throws -> CommandScene {
        try CommandScene(engine, environment: ["VIREO_PENDING_SCRIPTS": "true"])
    }

    private func list(_ scene: CommandScene, _ scripts: [(id: String, content: String)]) throws {
        let rows = scripts.map { ["execution_id": $0.id, "script_content": $0.content] }
        let text = String(decoding: try JSONSerialization.data(withJSONObject: rows), as: UTF8.self)
        try scene.host.send(
            #"{"type":"pending_scripts_response","epoch":"\#(scene.epoch)","scripts":\#(text)}"#
                + "\n")
    }

    private func completions(_ scene: CommandScene, _ count: Int) throws -> [String: Message] {
        var found: [String: Message] = [:]
        while found.count < count {
            let message = try scene.host.readMessage("script_completion")
            found[try #require(message.text("execution_id"))] = message
        }
        return found
    }

    @Test(arguments: Engine.allCases)
    func eachSessionAsksForThemAndEachRunsOnce(_ engine: Engine) throws {
        let scene = try scene(engine)
        defer { scene.end() }
        try scene.host.send("{\"type\":\"handshake_request\"}\n")
        _ = try scene.host.acknowledgeGreeting(try scene.host.readGreeting(), received: 1)
        let request = try scene.host.readMessage("request_pending_scripts")
        #expect(request.text("vm_id")?.isEmpty == false)
        let mark = scene.scene.path("mark")
        let scripts = [
            ("s-1", "echo one; echo once >> \(mark)"), ("s-2", "echo two >&2; exit 3"),
            ("s-3", "kill -9 $$"),
        ]
        try list(scene, scripts)
        let found = try completions(scene, 3)
        #expect(found["s-1"]?.number("exit_code") == 0 && found["s-1"]?.text("stdout") == "one\n")
        #expect(found["s-2"]?.number("exit_code") == 3 && found["s-2"]?.text("stderr") == "two\n")
        #expect(found["s-3"]?.text("outcome") == "signalled")
        #expect(found.values.allSatisfy { $0.number("seq") != nil })
        // A host that has not heard sends them again; one script is new.
        try list(scene, scripts + [("s-4", "echo four")])
        #expect(try completions(scene, 4)["s-4"]?.text("stdout") == "four\n")
        #expect(try String(contentsOfFile: mark, encoding: .utf8) == "once\n")
    }

    @Test func anExecutorThatDiesLeavesNoScriptUnanswered() throws {
        let scene = try scene(.uring)
        defer { scene.end() }
        let mark = scene.scene.path("mark")
        try list(scene, [("s-1", "touch \(mark); sleep 600")])
        try waitUntil("its start") { access(mark, F_OK) == 0 }
        scene.executor.signal(SIGKILL)
        let completion = try scene.host.readMessage("script_completion")
        #expect(completion.text("execution_id") == "s-1")
        #expect(completion.number("exit_code") == nil && completion.text("outcome") == nil)
        #expect(completion.text("stderr")?.contains("not known") == true)
    }

    @Test func whoAskedForNoneRefusesThem() throws {
        let scene = try CommandScene(.epoll)
        defer { scene.end() }
        let mark = scene.scene.path("mark")
        try list(scene, [("s-1", "touch \(mark)")])
        let response = try scene.host.readMessage("response")
        #expect(response.text("id") == "s-1" && response.text("error") == "REFUSED_BY_POLICY")
        #expect(access(mark, F_OK) != 0)
    }
}
