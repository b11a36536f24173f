import Testing

@testable import Wire

/// Each type that a ``GuestMessage`` or ``HostMessage`` does not take apart itself, both ways.
@Suite struct EveryMessageTests {
    @Test func noticesAreReadBack() throws {
        for notice in MessageSamples.notices {
            let text = MessageSamples.frame(notice)
            #expect(try parse(text) { GuestNotice($0) } == notice, "\(text)")
            guard case .other = try guestMessage(text) else {
                Issue.record("a host takes it for something else: \(text)")
                continue
            }
        }
    }

    @Test func whatANoticeIsAboutMustBeThere() throws {
        for text in [
            #"{"type":"ping"}"#, #"{"type":"agent_event"}"#, #"{"type":"error_report"}"#,
            #"{"type":"circuit_breaker_state","state":"Ajar"}"#, #"{"type":"connection_status"}"#,
            #"{"type":"script_completion","execution_id":7}"#, #"{"type":"metrics"}"#, "{}", "[]",
        ] {
            #expect(try parse(text) { GuestNotice($0) } == nil, "\(text)")
        }
        let sparse = try parse(#"{"type":"error_report","error_type":"x","severity":"Odd"}"#) {
            GuestNotice($0)
        }
        guard case .errorReport(let report) = sparse else {
            Issue.record("not a report")
            return
        }
        #expect(report.severity == .unknown && report.wallMilliseconds == nil)
    }

    @Test func commandsAndEnvelopesAreReadBack() throws {
        for command in MessageSamples.safeCommands {
            #expect(try parse(frame(command)) { SafeCommand($0) } == command)
        }
        for command in MessageSamples.unsafeCommands {
            #expect(try parse(frame(command)) { UnsafeCommand($0) } == command)
        }
        for envelope in MessageSamples.envelopes {
            #expect(try parse(frame(envelope)) { SignedMessage($0) } == envelope)
        }
        let scripts = MessageSamples.scripts
        #expect(try parse(frame(scripts)) { PendingScripts($0) } == scripts)
        let response = KeepAlive(.response, sequenceNumber: 3, wallMilliseconds: 5)
        #expect(try parse(frame(response)) { KeepAlive(response: $0) } == response)
        let request = KeepAlive(.request, sequenceNumber: 3, wallMilliseconds: 5)
        #expect(try parse(frame(request)) { KeepAlive(response: $0) } == nil)
    }

    @Test(arguments: [
        #"{"type":"SafeCommand","id":"1"}"#, #"{"type":"SafeCommand","id":"1","command_type":"x"}"#,
        #"{"type":"SafeCommand","id":"","command_type":{"action":"x"}}"#,
        #"{"type":"SafeCommand","id":"1","command_type":{"action":7}}"#,
    ])
    func anActionNeedsItsName(text: String) throws {
        #expect(try parse(text) { SafeCommand($0) } == nil)
    }

    @Test(arguments: [
        #"{"type":"signed","v":3,"ts":1,"nonce":"n","payload":"{}","sig":"00"}"#,
        #"{"type":"signed","v":1,"nonce":"n","payload":"{}","sig":"00"}"#,
        #"{"type":"signed","v":1,"ts":1,"nonce":"a\nb","payload":"{}","sig":"00"}"#,
        #"{"type":"signed","v":1,"ts":1,"nonce":"n","payload":{},"sig":"00"}"#,
        #"{"type":"signed","v":1,"ts":1,"nonce":"n","payload":"{}"}"#,
        #"{"type":"signed","v":2,"ts":1,"nonce":"n","payload":"{}","sig":"00"}"#,
    ])
    func anEnvelopeNeedsWhatIsSigned(text: String) throws {
        #expect(try parse(text) { SignedMessage($0) } == nil)
    }

    @Test func aBatchIsReadBack() throws {
        let batch = MessageSamples.batch
        let text = write { _ = batch.encode(into: &$0) }.text.dropNewline
        let read = try #require(try parse(text) { MetricsBatch($0) })
        #expect(read.numbering == batch.numbering && read.droppedMessages == 3)
        #expect(read.wallMilliseconds == batch.wallMilliseconds)
        #expect(write { _ = read.encode(into: &$0) }.text.dropNewline == text)
        #expect(try parse(#"{"type":"metrics"}"#) { MetricsBatch($0) } == nil)
        #expect(try parse(#"{"type":"metrics_batch","samples":{}}"#) { MetricsBatch($0) } == nil)
        let odd = #"{"type":"metrics_batch","samples":[1,{},{"data":7},{"data":{}}]}"#
        #expect(try parse(odd) { MetricsBatch($0)?.samples.count } == 1)
    }

    /// In rooms of every size near its own, a batch is whole or shorter or not there.
    @Test func aBatchFitsWhateverRoomThereIs() throws {
        let batch = MessageSamples.batch
        let whole = write { _ = batch.encode(into: &$0) }.text.utf8.count
        for room in Array(0..<40) + Array(stride(from: 40, to: whole + 3, by: 37)) {
            var outcome = MetricsBatchOutcome.noRoom
            let text = write(room: room) { outcome = batch.encode(into: &$0) }.text
            guard case .written(let byteCount, let sampleCount) = outcome else {
                #expect(text.isEmpty)
                continue
            }
            #expect(byteCount == text.utf8.count && byteCount <= room)
            let read = try parse(text.dropNewline) { MetricsBatch($0)?.samples.count }
            #expect(read == sampleCount)
        }
    }

    @Test func aValueIsCopiedAsItStood() throws {
        let text = #"{"a":[1,-2.5,1e30,18446744073709551615,"é\u0000",null,true],"b":{"c":{}}}"#
        let copy = try #require(try parse(text) { $0.json() })
        #expect(
            copy == #"{"a":[1,-2.5,1e+30,18446744073709551615,"#
                + #""é\u0000",null,true],"b":{"c":{}}}"#)
        #expect(try parse("[1,2]") { $0.json(bytesMax: 4) } == nil)
        #expect(try parse("[1,2]") { $0.json(bytesMax: 5) } == "[1,2]")
    }

    @Test func aFrameInMemoryIsTheSameFrame() {
        var message = AgentEvent(severity: "i", source: "s", message: "m", wallMilliseconds: 5)
        for count in [0, 900, 1000, 5000, 100_000] {
            message.message = String(repeating: "x", count: count)
            let frame = message.frame()
            #expect(
                frame.map { String(decoding: $0, as: UTF8.self) } == WireTests.frame(message) + "\n"
            )
        }
        message.message = String(repeating: "x", count: 1 << 20)
        #expect(message.frame() == nil)
    }

    @Test func theGoldenLinesOfTheRestAreUnchanged() throws {
        try GoldenTests.expect(
            MessageSamples.notices.map(MessageSamples.frame), in: "notices.jsonl")
        try GoldenTests.expect(
            MessageSamples.safeCommands.map { frame($0) }
                + MessageSamples.unsafeCommands.map { frame($0) }
                + MessageSamples.envelopes.map { frame($0) } + [frame(MessageSamples.scripts)],
            in: "commands.jsonl")
        try GoldenTests.expect(
            [write { _ = MessageSamples.batch.encode(into: &$0) }.text.dropNewline],
            in: "metrics-batch.jsonl")
    }
}
