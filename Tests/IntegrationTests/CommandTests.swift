import Foundation
import Glibc
import Testing

/// Commands from a host's socket through vireod and an executor, and their answers back.
@Suite(.serialized) struct CommandTests {
    @Test(arguments: Engine.allCases)
    func aCommandIsRunAndItsOutputStreamed(_ engine: Engine) throws {
        let scene = try CommandScene(engine)
        defer { scene.end() }
        try scene.shell("echo hello; echo oops >&2; exit 3", id: "a")
        let answer = try scene.answer("a")
        #expect(answer.text == "hello\n")
        #expect(answer.output["stderr"] == Array("oops\n".utf8))
        #expect(answer.response["success"] as? Bool == false)
        #expect(answer.response.number("exit_code") == 3)
        #expect(answer.response.text("data.outcome") == "exited")
        #expect(answer.response.number("data.stdout.bytes") == 6)
        #expect(answer.response.number("data.stderr.sent") == 5)
        #expect(answer.response["data.stdout.truncated"] as? Bool == false)
        #expect(answer.response.text("timestamp") != nil)
        #expect(answer.response.number("data.milliseconds") != nil)
    }

    @Test func outputComesWhileTheCommandRuns() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        try scene.exec(["/bin/cat"], id: "a", #""input":true"#)
        for word in ["first", "second"] {
            try scene.send("exec_input", id: "a", #""data":"\#(word)""#)
            let chunk = try scene.host.readMessage("exec_output")
            #expect(chunk.text("data") == word)
        }
        try scene.send("exec_input", id: "a", #""data":"AAH/","encoding":"base64","eof":true"#)
        let answer = try scene.host.readMessage("exec_output")
        #expect(answer.text("encoding") == "base64")
        #expect(answer.text("data") == "AAH/")
        let response = try scene.host.readMessage("response")
        #expect(response.number("exit_code") == 0)
        #expect(response.number("data.stdout.bytes") == 14)
    }

    // MARK: Row 44

    @Test func theSameIdRunsOnceAndGetsTheSameAnswer() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        let mark = scene.scene.path("mark")
        // A repeat while it runs, and one afterwards.
        try scene.shell("echo x >> \(mark); sleep 0.3; echo done", id: "once")
        try scene.shell("echo x >> \(mark)", id: "once")
        let first = try scene.answer("once")
        try scene.shell("echo x >> \(mark)", id: "once")
        let second = try scene.answer("once")
        #expect(try String(contentsOfFile: mark, encoding: .utf8) == "x\n")
        #expect(second.response.text("data.outcome") == first.response.text("data.outcome"))
        #expect(second.response.number("data.stdout.bytes") == 5)
        #expect(second.response.number("exit_code") == 0)
    }

    @Test func anotherLifesCommandIsStaleAndWithoutOneNothingIsRun() throws {
        let scene = try CommandScene(.epoll)
        defer { scene.end() }
        let mark = scene.scene.path("mark")
        let other = String(repeating: "0", count: 32)
        try scene.send(
            "Exec", id: "a", #""argv":["/usr/bin/touch","\#(mark)"]"#, epoch: other)
        #expect(try scene.answer("a").response.text("error") == "STALE")
        try scene.host.send(
            #"{"type":"Exec","id":"b","argv":["/usr/bin/touch","\#(mark)"]}"# + "\n")
        let unbound = try scene.answer("b").response
        #expect(unbound.text("error") == "REFUSED_BY_POLICY")
        #expect(unbound.text("data.outcome") == "refused")
        // Refused is not run: the same id may be sent again, and meant.
        try scene.exec(["/bin/echo", "now"], id: "b")
        #expect(try scene.answer("b").text == "now\n")
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test func actionsAreComputedOrRunPrograms() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        // Without an epoch only what reads is carried out.
        try scene.host.send(
            #"{"type":"SafeCommand","id":"a","command_type":{"action":"Compute"}}"# + "\n")
        let computed = try scene.answer("a").response
        #expect(computed.text("stdout") == "computed")
        #expect(computed.number("data.result.answer") == 42)
        #expect(computed.text("command_type") == "safe")
        try scene.send("SafeCommand", id: "b", #""command_type":{"action":"Programs"}"#)
        #expect(try scene.answer("b").response.text("stdout") == "one\n+two\n")
        try scene.host.send(
            #"{"type":"SafeCommand","id":"c","command_type":{"action":"Programs"}}"# + "\n")
        #expect(try scene.answer("c").response.text("error") == "REFUSED_BY_POLICY")
        try scene.send("SafeCommand", id: "d", #""command_type":"Nothing""#)
        #expect(try scene.answer("d").response.text("error") == "UNSUPPORTED_PLATFORM")
    }

    @Test func anEnvelopeIsCheckedByTheExecutorAndItsTextKeptAsItWas() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        func envelope(_ payload: String, signature: String) throws {
            let members: [String: Any] = [
                "type": "signed", "v": 2, "alg": "ed25519", "kid": "key-1", "vm": "x",
                "epoch": scene.epoch, "n": 1, "payload": payload, "sig": signature,
            ]
            let data = try JSONSerialization.data(withJSONObject: members)
            try scene.host.send(Array(data) + [0x0a])
        }
        let payload = #"{ "type":"Exec", "id":"s", "argv":["/bin/echo","signed"] }"#
        try envelope(payload, signature: "bad")
        let refused = try scene.host.readMessage("response")
        #expect(refused.text("error") == "PERMISSION_DENIED" && refused.text("id") == "s")
        try envelope(payload, signature: "good")
        #expect(try scene.answer("s").text == "signed\n")
        try waitUntil("the audit's record") {
            scene.executor.errorText.contains(#"event=end id="s" type=Exec signer="key-1""#)
        }
        // A plain request in an envelope that nobody needs to believe.
        try envelope(#"{"type":"keep_alive_request","sequence_number":7}"#, signature: "none")
        #expect(try scene.host.readMessage("keep_alive").number("sequence_number") == 7)
    }

    @Test func whatWasAskedAndWhatCameOfItIsOnRecord() throws {
        let scene = try CommandScene(.epoll)
        defer { scene.end() }
        try scene.exec(["/bin/echo", "two\nlines \u{1b}[31m"], id: "a")
        _ = try scene.answer("a")
        try waitUntil("both records") { scene.executor.errorText.contains("event=end") }
        let records = scene.executor.errorLines.filter { $0.contains("event=") }
        #expect(records.count == 2)
        #expect(records[0].contains(#"event=begin id="a" type=Exec signer=- rule="test.all""#))
        #expect(records[0].contains(#"argv=["/bin/echo","two\nlines \u001b[31m"]"#))
        #expect(records[1].contains("outcome=exited exit=0 stdout_bytes=16 stderr_bytes=0 ms="))
        #expect(!scene.executor.errorText.contains("\u{1b}"))
    }

    @Test func fourRunSixteenWaitAndOneMoreIsBusy() throws {
        let scene = try CommandScene(.uring)
        defer { scene.end() }
        for number in 0..<20 { try scene.exec(["/bin/sleep", "1"], id: "\(number)") }
        try scene.exec(["/bin/true"], id: "more")
        let busy = try scene.host.readMessage("response")
        #expect(busy.text("id") == "more")
        #expect(busy.text("error") == "BUSY")
        try waitUntil("four children") { try scene.executor.children().count == 4 }
        try scene.send("Cancel", id: "19", #""unused":0"#)
        let cancelled = try scene.host.readMessage("response")
        #expect(cancelled.text("id") == "19")
        #expect(cancelled.text("data.outcome") == "cancelled")
        for _ in 0..<19 {
            let response = try scene.host.readMessage("response", seconds: 20)
            #expect(response.text("data.outcome") == "exited")
        }
    }
}
