import Foundation
import Glibc
import Testing

/// The programs as they are installed: vireod starts vireo-exec, and a policy decides.
@Suite(.serialized) struct CommandPolicyTests {
    /// An agent with a policy that `vireo config sample` printed, and its host.
    private struct Setting {
        let scene: Scene
        let agent: Program
        let host: Connection
        let epoch: String
        let folder: String

        init(policy: String?) throws {
            scene = try Scene()
            // A policy is taken from no folder that others may write to, such as /tmp.
            folder = NSHomeDirectory() + "/vireo-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            var flags: [String] = []
            if let policy {
                let printed = try scene.start([
                    Products.vireo, "config", "sample", "--policy", policy,
                ])
                #expect(try printed.waitForEnd() == .exited(0))
                try printed.outputText.write(
                    toFile: folder + "/policy.yaml", atomically: false, encoding: .utf8)
                flags = ["--policy", folder + "/policy.yaml"]
            }
            let listener = try Listener(scene.path("host.sock"))
            agent = try scene.startAgent("epoll", flags: flags)
            host = scene.keep(try listener.accept())
            epoch = try host.acknowledgeGreeting(try host.readGreeting())
            _ = try host.readMessage("metrics")
        }

        func end() {
            scene.end()
            try? FileManager.default.removeItem(atPath: folder)
        }

        /// Sends a command, and reads what it printed and its response.
        func ask(_ members: String, bound: Bool = true) throws -> (text: String, Message) {
            let epoch = bound ? #""epoch":"\#(epoch)","# : ""
            try host.send("{\(epoch)\(members)}\n")
            var text = ""
            while true {
                let message = try host.readMessage(seconds: 20)
                if message.type == "exec_output" { text += message.text("data") ?? "" }
                if message.type == "response" { return (text, message) }
            }
        }
    }

    @Test func aPolicyThatAllowsAllRunsProgramsWithAnEmptyEnvironment() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let (text, response) = try setting.ask(#""type":"Exec","id":"a","argv":["/usr/bin/env"]"#)
        #expect(response.text("data.outcome") == "exited", "\(response)")
        #expect(response.text("data.rule") == "raw_commands")
        #expect((4...8).contains(text.split(separator: "\n").count))
        let (_, shell) = try setting.ask(
            #""type":"UnsafeCommand","id":"b","raw_command":"echo $((6*7))","shell":"sh""#)
        #expect(shell.text("stdout") == "42\n")
    }

    /// While numbered messages wait for their own host, an observer's answers take another way, which
    /// has room for short ones.
    @Test func anObserverHearsThatAnAnswerIsTooLongForIt() throws {
        let scene = try Scene()
        defer { scene.end() }
        let zeros = String(repeating: " 0", count: 300)
        let crowd = try scene.start([
            "/bin/sh", "-c", "for i in $(seq 400); do sleep 60\(zeros) & done; wait",
        ])
        try waitUntil("a crowd") { try crowd.children().count == 400 }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent("epoll", interval: 0.2)
        let first = try listener.accept()
        let greeting = try first.readGreeting()
        _ = try first.acknowledgeGreeting(greeting)
        first.acknowledges = false
        #expect(try first.readMessage("metrics").number("seq") == 1)
        first.close()
        let observer = scene.keep(try listener.accept())
        let again = try observer.readGreeting()
        let epoch = try #require(again.text("epoch"))
        let session = Int(try #require(again.number("session")))
        try observer.send(
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),"received":0,\
            "window":65536,"capabilities":[],"observer":true}
            {"type":"SafeCommand","id":"a","command_type":{"action":"ProcessList","params":{"limit":9999}}}
            {"type":"SafeCommand","id":"b","command_type":{"action":"OsInfo"}}

            """)
        let long = try observer.readMessage("response", seconds: 20)
        #expect(
            long.text("id") == "a" && long.text("error") == "RESOURCE_LIMIT", "\(long)")
        let short = try observer.readMessage("response", seconds: 20)
        #expect(short.text("id") == "b" && short["success"] as? Bool == true)
    }

    /// An agent that takes a host for another one greets it again, in the middle of anything.
    @Test(arguments: Engine.allCases)
    func anObserverThatIsGreetedAgainAsksAgainAndIsAnswered(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, observer) = try scene.agentAndHost(engine)
        func answer() throws {
            let greeting = try observer.readGreeting()
            let epoch = try #require(greeting.text("epoch"))
            let session = Int(try #require(greeting.number("session")))
            try observer.send(
                #"{"type":"handshake_ack","epoch":"\#(epoch)","session":\#(session),"received":0,"#
                    + #""window":65536,"capabilities":[],"observer":true}"# + "\n")
        }
        let command = #"{"type":"SafeCommand","id":"a","command_type":{"action":"OsInfo"}}"# + "\n"
        try answer()
        try observer.send(command + "{\"type\":\"handshake_request\"}\n")
        try answer()
        try observer.send(command)
        let response = try observer.readMessage("response")
        #expect(response.text("id") == "a" && response["success"] as? Bool == true)
    }

    @Test func byDefaultActionsThatLookAnswerAndNothingElseRuns() throws {
        let setting = try Setting(policy: nil)
        defer { setting.end() }
        let mark = setting.scene.path("mark")
        let (_, list) = try setting.ask(
            #""type":"SafeCommand","id":"a","command_type":{"action":"ProcessList"}"#, bound: false)
        #expect(list["success"] as? Bool == true, "\(list)")
        #expect(list.text("command_type") == "ProcessList")
        let refused = [
            #""type":"Exec","id":"b","argv":["/usr/bin/touch","\#(mark)"]"#,
            #""type":"UnsafeCommand","id":"c","raw_command":"touch \#(mark)""#,
            """
            "type":"SafeCommand","id":"d","command_type":{"action":"ServiceControl",\
            "params":{"service":"x; touch \(mark)","operation":"restart"}}
            """,
            #""type":"FileRead","id":"e","path":"/etc/passwd""#,
        ]
        for command in refused {
            let (_, response) = try setting.ask(command)
            #expect(response.text("error") == "REFUSED_BY_POLICY", "\(response)")
            #expect(response.text("data.outcome") == "refused")
            #expect(response.text("data.rule")?.isEmpty == false)
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func aSafePolicyTakesNoInjectedNames() throws {
        let setting = try Setting(policy: "safe")
        defer { setting.end() }
        let mark = setting.scene.path("mark")
        let (_, response) = try setting.ask(
            """
            "type":"SafeCommand","id":"d","command_type":{"action":"ServiceControl",\
            "params":{"service":"x; touch \(mark)","operation":"restart"}}
            """)
        #expect(response["success"] as? Bool == false)
        #expect(response.text("data.outcome") == "refused", "\(response)")
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func aPolicyThatIsBadRunsNothing() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        try "no: such\nkey: here\n".write(
            toFile: setting.folder + "/policy.yaml", atomically: false, encoding: .utf8)
        let (_, response) = try setting.ask(#""type":"Exec","id":"a","argv":["/bin/true"]"#)
        #expect(response.text("error") == "CONNECTION_FAILED")
        try waitUntil("the reason") { setting.agent.errorText.contains("policy.yaml") }
    }
}
