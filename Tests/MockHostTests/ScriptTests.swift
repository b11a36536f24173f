import Foundation
import Testing

@testable import MockHost

/// The language: what each line means, and what a line that means nothing is told.
@Suite struct ScriptTests {
    private func one(_ line: String) throws -> MockScript.Instruction {
        let script = try MockScript(line)
        return try #require(script.lines.first).instruction
    }

    @Test func eachInstructionIsRead() throws {
        #expect(try one("greet") == .greet)
        #expect(try one("accept within 70") == .accept(milliseconds: 70))
        #expect(
            try one("answer received=$K window=4096")
                == .answer(received: "$K", windowBytes: 4096, isObserver: false))
        #expect(
            try one("answer observer")
                == .answer(received: nil, windowBytes: 262_144, isObserver: true))
        #expect(try one("answer all") == .answerAll(true))
        #expect(try one("answer none") == .answerAll(false))
        #expect(try one("send {\"a\": 1}") == .send("{\"a\": 1}", isLine: true))
        #expect(try one("send-raw \\n") == .send("\\n", isLine: false))
        #expect(try one("send-file /a b") == .sendFile("/a b"))
        #expect(try one("fill 5 z") == .fill(bytes: 5, byte: UInt8(ascii: "z")))
        #expect(try one("ack all") == .acknowledge(.lazily(1)))
        #expect(try one("ack none") == .acknowledge(.never))
        #expect(try one("ack lazily 5") == .acknowledge(.lazily(5)))
        #expect(try one("ack after 80") == .acknowledge(.after(milliseconds: 80)))
        #expect(try one("ack now") == .acknowledgeNow(nil))
        #expect(try one("ack 9") == .acknowledgeNow("9"))
        #expect(try one("read 100 bytes/s") == .read(bytesPerSecond: 100))
        #expect(try one("read all") == .read(bytesPerSecond: nil))
        #expect(try one("drop") == .drop)
        #expect(try one("drop after 5 bytes") == .dropAfter(bytes: 5))
        #expect(try one("refuse error for 70") == .refuse(type: "error", milliseconds: 70))
        #expect(try one("expect-seq 7 within 9") == .numbered(7, milliseconds: 9))
        #expect(try one("pause 3") == .pause(milliseconds: 3))
        #expect(try one("wait 3") == .wait(milliseconds: 3))
        #expect(try one("  track \r") == .track)
        #expect(try one("pass") == .pass)
        #expect(try one("fail so it is") == .fail("so it is"))
    }

    @Test func anExpectationHasMembersAndATime() throws {
        guard
            case .expect(let wanted) = try one(
                "expect-next error error=BUSY details.type=a=b within 7")
        else {
            Issue.record("not an expectation")
            return
        }
        #expect(wanted.type == "error" && wanted.isNext && wanted.milliseconds == 7)
        #expect(wanted.members.map(\.path) == [["error"], ["details", "type"]])
        #expect(wanted.members.map(\.value) == ["BUSY", "a=b"])
    }

    @Test func blocksNest() throws {
        let script = try MockScript(
            "# x\nrepeat 2\n  greet\n  repeat 3\n    drop\n  end\nend\npass\n")
        #expect(script.lines.map(\.number) == [2, 8])
        guard case .repeated(2, let inner) = script.lines[0].instruction,
            case .repeated(3, let innermost) = inner[1].instruction
        else {
            Issue.record("no blocks")
            return
        }
        #expect(inner[0].instruction == .greet && innermost.map(\.number) == [5])
    }

    @Test(arguments: [
        ("dance", 1), ("greet\nack", 2), ("repeat 0\nend", 1), ("repeat 2\ngreet", 1), ("end", 1),
        ("\n\nexpect", 3), ("expect a=b", 1), ("expect x y", 1), ("drop after 5", 1),
        ("read 0 bytes/s", 1), ("ack lazily 0", 1), ("fill 0", 1), ("fill 5 xy", 1),
        ("greet now", 1),
        ("pause", 1), ("answer window=x", 1), (String(repeating: "repeat 2\n", count: 9), 9),
    ])
    func aLineThatSaysNothingIsNamed(text: String, line: Int) throws {
        let error = #expect(throws: MockScriptError.self) { try MockScript(text) }
        #expect(error?.line == line)
        #expect(error?.reason.isEmpty == false)
    }

    @Test func theManualNamesEveryInstruction() {
        for word in [
            "accept", "greet", "answer", "expect", "expect-next", "refuse", "expect-seq", "send",
            "send-raw", "send-file", "fill", "ack", "read", "pause", "wait", "drop", "track",
            "repeat", "pass",
        ] {
            let lines = MockScript.manual.split(separator: "\n")
            #expect(lines.contains { $0.split(separator: " ").first == word[...] }, "\(word)")
        }
    }
}
