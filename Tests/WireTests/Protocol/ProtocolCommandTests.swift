import Foundation
import Testing

@testable import Wire

/// Statements P-59 to P-65 of the protocol.
@Suite struct ProtocolCommandTests {
    @Test("P-59 a command without an id is answered INVALID_MESSAGE")
    func withoutID() throws {
        for type in ["SafeCommand", "UnsafeCommand", "Exec", "Shutdown", "Cancel"] {
            let reply = try hostMessage(#"{"type":"\#(type)"}"#).errorReply(wallMilliseconds: 0)
            #expect(reply?.code == .invalidMessage)
        }
    }

    @Test("P-61 each script has its id, and a list with one that lacks it is refused whole")
    func scripts() throws {
        let good = #"{"execution_id":"e1","script_content":"id"}"#
        let text = #"{"type":"pending_scripts_response","scripts":[\#(good),X]}"#
        func with(_ second: String) -> String { text.replacingOccurrences(of: "X", with: second) }
        let two = with(#"{"execution_id":"e2","script_content":""}"#)
        #expect(try hostMessage(two) == .command(Command(.pendingScripts, ids: ["e1", "e2"])))
        #expect(try parse(two) { PendingScripts($0)?.scripts.count } == 2)
        guard case .invalid = try hostMessage(with(#"{"script_content":"id"}"#)) else {
            Issue.record("half a list was taken")
            return
        }
        #expect(try parse(with(#"{"execution_id":"e2"}"#)) { PendingScripts($0) } == nil)
    }

    @Test("P-62 arguments stand in command_type.params, beside action, and in params")
    func arguments() throws {
        let places = [
            #""command_type":{"action":"A","params":{"service":"ssh"},"service":"no"},"params":{"service":"no"}"#,
            #""command_type":{"action":"A","service":"ssh"},"params":{"service":"no"}"#,
            #""command_type":{"action":"A"},"params":{"service":"ssh"}"#,
        ]
        for place in places {
            let text = #"{"type":"SafeCommand","id":"1",\#(place)}"#
            #expect(
                try parse(text) { SafeCommand.argument("service", of: $0)?.string } == "ssh")
        }
        let command = try parse(
            #"{"type":"SafeCommand","id":"1","command_type":{"action":"A","service":"ssh","n":[1,{}]}}"#
        ) { SafeCommand($0) }
        #expect(command?.paramsJSON == #"{"service":"ssh","n":[1,{}]}"#)
    }

    @Test("P-63 an envelope of version 1 is signed over v, ts, nonce and payload")
    func datedEnvelope() throws {
        let text =
            #"{"type":"signed","v":1,"ts":1795523400250,"nonce":"n-1","payload":"{\"a\":1}","sig":"00ff"}"#
        let message = try #require(try parse(text) { SignedMessage($0) })
        #expect(message.signedText == "1\n1795523400250\nn-1\n{\"a\":1}")
        #expect(frame(message) == text)
    }

    @Test("P-64 an envelope of version 2 is signed over its name and six members")
    func countedEnvelope() throws {
        let epoch = "00112233445566778899aabbccddeeff"
        let text =
            #"{"type":"signed","v":2,"alg":"ed25519","kid":"k","vm":"v","epoch":"\#(epoch)","n":7,"#
            + #""payload":"{}","sig":"00"}"#
        let message = try #require(try parse(text) { SignedMessage($0) })
        #expect(message.signedText == "vireo-signed-2\ned25519\nk\nv\n\(epoch)\n7\n{}")
        #expect(frame(message) == text)
        for name in ["kid", "vm", "alg"] {
            let value = ["kid": "k", "vm": "v", "alg": "ed25519"][name]!
            let broken = text.replacingOccurrences(
                of: #""\#(name)":"\#(value)""#, with: #""\#(name)":"\#(value)\nx""#)
            #expect(broken != text)
            #expect(try parse(broken) { SignedMessage($0) } == nil)
        }
    }

    @Test("P-65 an environment variable that is no string makes the command invalid")
    func environment() throws {
        let text =
            #"{"type":"UnsafeCommand","id":"1","raw_command":"id","env_vars":{"A":"x","B":X}}"#
        let good = text.replacingOccurrences(of: "X}", with: "\"y\"}")
        let command = try #require(try parse(good) { UnsafeCommand($0) })
        #expect(command.environment.map(\.name) == ["A", "B"])
        #expect(frame(command) == good)
        let bad = text.replacingOccurrences(of: "X}", with: "7}")
        #expect(try parse(bad) { UnsafeCommand($0) } == nil)
    }
}
