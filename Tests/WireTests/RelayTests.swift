import Testing

@testable import Wire

/// What the agent and the executor say to each other, and the writing again of what was parsed.
@Suite struct RelayTests {
    private func parsed(_ text: String) throws -> JSONParser {
        var parser = try JSONParser()
        try parser.parse(RawSpan(_elements: Array(text.utf8).span))
        return parser
    }

    @Test(arguments: [
        #"{"a":[1,-2,18446744073709551615,-9223372036854775808],"b":{"":null}}"#,
        #"[true,false,null,"ü€🙂\n\"\\\u0000",[],{}]"#,
        "[0.1,1e-07,2.5e+300,-0.001,2.0,123456789.123456]",
        #""text""#, "17",
    ])
    func aValueIsWrittenAgainAsItself(_ text: String) throws {
        let first = try parsed(text)
        let again = first.root.json(bytesMax: 100_000)
        #expect(again == text)
    }

    @Test func spacesAndEscapesOfAStrangerAreNotCopied() throws {
        let value = try parsed("{ \"\\u0061\" :\t1.50 , \"b\" : \"\\/\" }")
        let text = value.root.json(bytesMax: 1000)
        #expect(text == #"{"a":1.5,"b":"/"}"#)
    }

    @Test func aTextThatIsTooLongIsNone() throws {
        let value = try parsed("[" + String(repeating: "1,", count: 5000) + "1]")
        let short = value.root.json(bytesMax: 5000)
        let long = value.root.json(bytesMax: 20_000)
        #expect(short == nil)
        #expect(long?.utf8.count == 10_003)
    }

    private func frame(_ body: (inout JSONWriter) -> FrameOutcome) throws -> String {
        let text = JSONText.make(bytesMax: 100_000) { _ = body(&$0) }
        return try #require(text)
    }

    @Test(arguments: [
        RelayRequest.hello(epoch: Epoch(high: 1, low: 2), vmID: "vm \"1\""),
        .cancel(key: 7), .credit(bytes: 65_536),
    ])
    func requestsComeAsTheyWent(_ request: RelayRequest) throws {
        let text = try frame { request.encode(into: &$0) }
        let parser = try parsed(text)
        let received = RelayRequest(parser.root)
        #expect(received == request)
    }

    @Test func aRunCarriesItsCommand() throws {
        let command = try parsed(#"{"type":"Exec","id":"a","argv":["x"]}"#)
        let request = RelayRequest.run(key: 9, id: "c-1", binding: .epoch, streams: true)
        let text = try frame { request.encode(command: command.root, into: &$0) }
        let parser = try parsed(text)
        let received = RelayRequest(parser.root)
        #expect(received == request)
        let inner = parser.root.member("command")?.json(bytesMax: 1000)
        #expect(inner == #"{"type":"Exec","id":"a","argv":["x"]}"#)
    }

    @Test(arguments: [
        #"{"type":"run","key":1,"binding":"trusted","streams":true}"#,
        #"{"type":"run","binding":"epoch","streams":true}"#,
        #"{"type":"hello","epoch":"12","vm":"x"}"#, #"{"type":"other"}"#, "[]",
    ])
    func whatTheAgentDoesNotSayIsNothing(_ text: String) throws {
        let parser = try parsed(text)
        let received = RelayRequest(parser.root)
        #expect(received == nil)
    }

    @Test func anAnswerReachesTheHostWithTimeAndNumber() throws {
        let output = ExecOutput(
            id: "a", stream: .standardError, offset: 5, data: ExecData([0xFF, 0x00]))
        let text = try frame {
            RelayAnswer.encode(
                key: 3, class: .results, isLast: false, message: output, into: &$0)
        }
        let parser = try parsed(text)
        let came = RelayAnswer(parser.root, frameBytes: text.utf8.count)
        var answer = try #require(came)
        #expect(answer.key == 3 && answer.class == .results && !answer.isLast)
        answer.message.numbering = Numbering(epoch: Epoch(high: 0, low: 1), sequence: 8)
        answer.message.wallMilliseconds = 0
        let sent = try frame { answer.message.encode(into: &$0) }
        let received = try parsed(sent)
        var expected = output
        expected.numbering = answer.message.numbering
        expected.wallMilliseconds = 0
        let result = ExecOutput(received.root)
        #expect(result == expected)
        #expect(result?.data.bytes == [0xFF, 0x00])
    }

    @Test func anExecutorCannotSpeakAsTheAgent() throws {
        let text = """
            {"type":"answer","key":1,"class":"results","is_last":true,\
            "message":{"type":"handshake","id":"a","x":1}}
            """
        let parser = try parsed(text)
        let answer = RelayAnswer(parser.root, frameBytes: 10)
        #expect(answer == nil)
    }

    @Test func theAgentsOwnResponsesTakeTheSameWay() throws {
        var response = CommandResponse(
            id: "a", success: false, commandType: "x", wallMilliseconds: 0)
        response.wallMilliseconds = nil
        response.error = "CONNECTION_FAILED"
        let message = try #require(RelayedMessage(response))
        let text = try frame { message.encode(into: &$0) }
        let parser = try parsed(text)
        guard case .response(let received) = GuestMessage(parser.root) else {
            Issue.record("no response: \(text)")
            return
        }
        #expect(received == response)
    }

    private func input(_ members: String) throws -> ExecInput? {
        let parser = try parsed(#"{"type":"exec_input","id":"a","# + members + "}")
        return ExecInput(parser.root)
    }

    @Test func inputIsTextOrBytes() throws {
        let text = try input(#""data":"ü""#)
        #expect(text?.data.bytes == Array("ü".utf8))
        #expect(text?.isEnd == false)
        let bytes = try input(#""data":"AAH/","encoding":"base64","eof":true"#)
        #expect(bytes?.data.bytes == [0, 1, 255])
        #expect(bytes?.isEnd == true)
        #expect(try input(#""data":"","encoding":"hex""#) == nil)
    }

    @Test func aPrefixIsCutBetweenCharacters() {
        #expect(JSONText.prefix(of: "aü\n🙂", escapedBytesMax: 4) == "aü")
        #expect(JSONText.prefix(of: "aü\n🙂", escapedBytesMax: 5) == "aü\n")
        #expect(JSONText.prefix(of: "aü\n🙂", escapedBytesMax: 9) == "aü\n🙂")
        let text = "\u{1}\"\\ü\n"
        let written = JSONText.make(bytesMax: 100) { $0.value(text) }
        #expect(written?.utf8.count == JSONText.escapedBytes(of: text.utf8) + 2)
    }
}
