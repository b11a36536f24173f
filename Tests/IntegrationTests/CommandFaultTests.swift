import Foundation
import Glibc
import Testing

/// Commands that go wrong, and parts that go away meanwhile.
@Suite(.serialized) struct CommandFaultTests {
    // MARK: Row 37

    @Test(arguments: Engine.allCases)
    func fiftyMegabytesArriveCappedAndCounted(_ engine: Engine) throws {
        let scene = try CommandScene(engine)
        defer { scene.end() }
        try scene.exec(["/usr/bin/head", "-c", "50000000", "/dev/zero"], id: "a")
        let answer = try scene.answer("a")
        #expect(answer.output["stdout"]?.count == 524_288)
        #expect(answer.response.number("data.stdout.bytes") == 50_000_000)
        #expect(answer.response.number("data.stdout.sent") == 524_288)
        #expect(answer.response["data.stdout.truncated"] as? Bool == true)
        #expect(try scene.executor.statusNumber("VmHWM") < 64 * 1024)
        #expect(try scene.agent.statusNumber("VmHWM") < 64 * 1024)
    }

    /// Twenty commands print more than is kept, and nobody reads: the executor keeps what it may,
    /// the agent a window of it, and all of it arrives when the host reads again.
    @Test func aHostThatDoesNotReadCostsAWindowAndLosesNothing() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        let script = "head -c 700000 /dev/zero | tr '\\\\0' x; head -c 700000 /dev/zero >&2"
        for number in 0..<20 { try scene.shell(script, id: "\(number)") }
        try waitUntil("their ends", seconds: 30) {
            scene.executor.errorLines.count { $0.contains("event=end") } == 20
        }
        #expect(try scene.agent.statusNumber("VmHWM") < 40 * 1024)
        #expect(try scene.executor.statusNumber("VmHWM") < 96 * 1024)
        var bytes: [String: Int] = [:]
        var responses: Set<String> = []
        while responses.count < 20 {
            let message = try scene.host.readMessage(seconds: 20)
            guard let id = message.text("id") else { continue }
            if message.type == "response" {
                #expect(responses.insert(id).inserted)
                #expect(message.number("data.stdout.bytes") == 700_000)
                continue
            }
            let stream = id + (message.text("stream") ?? "")
            #expect(message.number("offset") == Double(bytes[stream, default: 0]))
            let text = message.text("data") ?? ""
            let isText = message.text("encoding") == "utf-8"
            bytes[stream, default: 0] +=
                isText ? text.utf8.count : Data(base64Encoded: text)?.count ?? 0
        }
        #expect(bytes.count == 40)
        #expect(bytes.values.allSatisfy { $0 == 524_288 })
    }

    @Test func aResponseWithoutChunksFitsInAFrame() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        // A megabyte on each stream, of characters that grow six times when they are escaped.
        let script = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero | tr '\\\\0' 'x' >&2"
        try scene.send("UnsafeCommand", id: "a", #""raw_command":"\#(script)""#)
        let response = try scene.answer("a").response
        #expect(response.line.count < 1_048_576)
        #expect(response.line.count > 900_000)
        #expect(response.number("data.stdout.bytes") == 1_000_000)
        #expect(response.number("data.stderr.bytes") == 1_000_000)
        #expect(response["data.stdout.truncated"] as? Bool == true)
        let sent = try #require(response.number("data.stdout.sent"))
        #expect(response.text("stdout")?.utf8.count == Int(sent))
    }

    @Test func bytesThatAreNoTextComeBesideIt() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        try scene.send("UnsafeCommand", id: "a", #""raw_command":"printf 'a\\377b'""#)
        let response = try scene.answer("a").response
        #expect(response.text("stdout") == "a\u{FFFD}b")
        #expect(response.text("data.stdout.base64") == "Yf9i")
    }

    // MARK: Rows 38 and 39

    @Test func aTimeOutIsNoSuccessAndLeavesNothing() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        let seconds = "97\(Int.random(in: 100_000...999_999))"
        let script = "trap '' TERM; setsid sleep \(seconds) & echo up; while :; do sleep 9; done"
        let start = monotonicSeconds()
        try scene.shell(script, id: "a", #""timeout":1"#)
        let answer = try scene.answer("a")
        #expect(answer.text == "up\n")
        #expect(answer.response.text("data.outcome") == "timed_out")
        #expect(answer.response.text("error") == "COMMAND_TIMEOUT")
        #expect(answer.response["success"] as? Bool == false)
        #expect(monotonicSeconds() - start < 4)
        #expect(try sleepers(seconds).isEmpty)
    }

    /// systemd refuses clone3 in a unit with RestrictNamespaces=: the child moves itself then.
    @Test func withoutClone3ACommandIsInItsGroupAllTheSame() throws {
        let refusal = ["/usr/bin/strace", "-f", "-qq", "-o", "/dev/null"]
        let scene = try CommandScene(
            .epoll,
            wrapper: refusal + ["-e", "trace=clone3", "-e", "inject=clone3:error=ENOSYS"])
        // strace leaves whom it traces alone when it is killed.
        let executors = try scene.executor.children()
        defer {
            for pid in executors { kill(pid, SIGKILL) }
            scene.end()
        }
        try scene.shell("grep ^0:: /proc/self/cgroup; sleep 60 & exit 4", id: "a")
        let answer = try scene.answer("a")
        #expect(answer.response.number("exit_code") == 4)
        guard scene.group != nil else { return }
        #expect(answer.response.text("data.isolation") == "cgroup")
        #expect(answer.text.contains("/command-"))
    }

    // MARK: Row 42

    @Test func aCommandThatCannotStartSaysWhy() throws {
        let scene = try CommandScene(.epoll)
        defer { scene.end() }
        try scene.exec(["/nowhere/program"], id: "a")
        let response = try scene.answer("a").response
        #expect(response.text("data.outcome") == "failed_to_start")
        #expect(response.text("data.errno") == "ENOENT")
        #expect(response.text("stderr")?.contains("/nowhere/program") == true)
    }

    // MARK: Row 43

    @Test func anAnswerWaitsForAHostThatHasLeft() throws {
        let scene = try Scene()
        defer { scene.end() }
        let executor = try scene.start([
            Products.folder + "/allow-all-executor", scene.path("exec.sock"), "auto",
            "process_group",
        ])
        try waitUntil("the socket") { access(scene.path("exec.sock"), F_OK) == 0 }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(
            "epoll", environment: ["VIREO_EXEC_SOCKET": scene.path("exec.sock")])
        let first = try listener.accept()
        let epoch = try #require(try first.readGreeting().text("epoch"))
        try first.send(
            #"{"type":"Exec","id":"a","epoch":"\#(epoch)","argv":["/bin/sh","-c","#
                + #""sleep 0.5; echo done"]}"# + "\n")
        try waitUntil("its start") { executor.errorText.contains("event=begin") }
        first.close()
        try waitUntil("its end") { executor.errorText.contains("event=end") }
        let second = scene.keep(try listener.accept())
        _ = try second.acknowledgeGreeting(try second.readGreeting())
        #expect(try second.readMessage("exec_output").text("data") == "done\n")
        #expect(try second.readMessage("response").text("data.outcome") == "exited")
    }

    @Test func anExecutorThatDiesLeavesNoCommandUnanswered() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        try scene.exec(["/bin/sleep", "60"], id: "a")
        try waitUntil("its start") { scene.executor.errorText.contains("event=begin") }
        scene.executor.kill()
        let response = try scene.answer("a").response
        #expect(response.text("error") == "CONNECTION_FAILED")
        #expect(response["success"] as? Bool == false)
        #expect(response.text("data.outcome") == nil)
        // The agent goes on, and says what is missing.
        try scene.exec(["/bin/true"], id: "b")
        let next = try scene.answer("b").response
        #expect(["BUSY", "CONNECTION_FAILED"].contains(next.text("error")))
        _ = try scene.host.exchangeKeepAlive(1)
    }

    @Test func metricsKeepTheirScheduleWhateverACommandDoes() throws {
        let scene = try CommandScene(.uring, interval: 0.1)
        defer { scene.end() }
        try scene.exec(["/usr/bin/yes"], id: "a", #""timeout":1.5"#)
        let start = monotonicSeconds()
        var samples = 0
        var isOver = false
        while monotonicSeconds() - start < 6, !isOver {
            let message = try scene.host.readMessage()
            if message.type == "metrics" { samples += 1 }
            isOver = message.type == "response"
        }
        #expect(isOver)
        #expect(samples >= 8)
    }

    // MARK: Row 35

    /// The real executor, started by the agent, with no policy: it looks, and runs nothing.
    @Test(arguments: Engine.allCases)
    func byDefaultNothingIsRun(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        let epoch = try host.acknowledgeGreeting(try host.readGreeting())
        _ = try host.readMessage("metrics")
        let mark = scene.path("mark")
        let commands = [
            #""type":"Exec","argv":["/usr/bin/touch","\#(mark)"]"#,
            #""type":"UnsafeCommand","raw_command":"touch \#(mark)","shell":"sh""#,
            #""type":"FileWrite","path":"\#(mark)","offset":0,"data":"x""#,
        ]
        for (number, command) in commands.enumerated() {
            try host.send(#"{"id":"\#(number)","epoch":"\#(epoch)",\#(command)}"# + "\n")
            let response = try host.readMessage("response")
            #expect(response.text("error") == "REFUSED_BY_POLICY")
            #expect(response.text("data.outcome") == "refused")
            #expect(response.text("data.rule")?.isEmpty == false)
        }
        let children = try agent.children()
        #expect(children.count == 1)
        #expect(!FileManager.default.fileExists(atPath: mark))
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0))
        try waitUntil("the executor's end") { !children.contains(where: isRunning) }
    }

    private func sleepers(_ seconds: String) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .filter { pid in
                let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
                return line?.contains(seconds) ?? false && isRunning(pid)
            }
    }
}
