import Testing

@testable import Wire

/// Statements P-14 to P-29 of the protocol, as far as no agent is needed for them.
@Suite struct ProtocolDialectTests {
    @Test("P-14 type names a message, and unknown members are ignored")
    func unknownMembers() throws {
        let text = #"{"future":[1,{"x":null}],"type":"Metrics","id":"1","also":"this"}"#
        #expect(try hostMessage(text) == .metricsRequest(MetricsRequest(id: "1")))
    }

    @Test("P-15 an unknown type is answered UNKNOWN_COMMAND with id and 64 bytes of the type")
    func unknownType() throws {
        let type = String(repeating: "Ü", count: 50)
        let message = try hostMessage(#"{"type":"\#(type)","id":"7"}"#)
        let reply = try #require(message.errorReply(wallMilliseconds: 0))
        #expect(reply.code == .unknownCommand && reply.id == "7")
        #expect(reply.details.type == String(repeating: "Ü", count: 32))
    }

    @Test(
        "P-16 error, ack and response are never answered with an error",
        arguments: [
            #"{"type":"error"}"#, #"{"type":"error","error":"BUSY"}"#, #"{"type":"ack"}"#,
            #"{"type":"ack","epoch":7}"#, #"{"type":"response"}"#,
            #"{"type":"response","id":"1","success":true}"#,
        ])
    func unanswered(text: String) throws {
        #expect(try hostMessage(text).errorReply(wallMilliseconds: 0) == nil)
    }

    @Test(
        "P-17 a member that is missing or of another type is answered INVALID_MESSAGE",
        arguments: [
            "{}", #"{"type":7}"#, #"{"type":"keep_alive_request"}"#,
            #"{"type":"keep_alive_request","sequence_number":"7"}"#,
            #"{"type":"handshake_ack","session":1,"received":0,"window":1}"#,
            #"{"type":"signed","v":1}"#,
        ])
    func missingMember(text: String) throws {
        let reply = try hostMessage(text).errorReply(wallMilliseconds: 0)
        #expect(reply?.code == .invalidMessage)
    }

    @Test("P-18 the codes are those of the page, and others are kept")
    func codes() throws {
        let page = try ProtocolPage.text()
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        for code in ErrorCode.all {
            #expect(rows.contains { $0.hasPrefix("| `\(code)` |") }, "\(code) is not on the page")
        }
        guard
            case .error(let other) = try guestMessage(#"{"type":"error","error":"NEW"}"#)
        else {
            Issue.record("not an error")
            return
        }
        #expect(other.code.rawValue == "NEW")
    }

    @Test("P-19 times are written as RFC 3339 in UTC with milliseconds, in every message")
    func writtenTimes() {
        for message in MessageSamples.guest {
            #expect(
                message.text.contains(#""timestamp":"2026-11-24T12:30:00.250Z""#), "\(message.text)"
            )
        }
    }

    @Test(
        "P-20 times are read as RFC 3339 or as a number of seconds or milliseconds",
        arguments: [
            #""2026-11-24T12:30:00.250Z""#, #""2026-11-24T13:30:00.25+01:00""#, "1795523400250",
        ])
    func readTimes(time: String) throws {
        let text = #"{"type":"keep_alive_request","sequence_number":1,"timestamp":\#(time)}"#
        guard case .keepAliveRequest(let request) = try hostMessage(text) else {
            Issue.record("not understood")
            return
        }
        #expect(request.wallMilliseconds == 1_795_523_400_250)
        let seconds = try parse("[1795523400]") { root -> Int64? in
            var elements = root.elements
            return elements.next()?.timestamp
        }
        #expect(seconds == 1_795_523_400_000)
    }

    @Test("P-21 an id that is echoed has 1 to 256 bytes")
    func identifiers() throws {
        for (count, isFine) in [(0, false), (1, true), (256, true), (257, false)] {
            let id = String(repeating: "i", count: count)
            let message = try hostMessage(#"{"type":"Metrics","id":"\#(id)"}"#)
            #expect(message == .metricsRequest(MetricsRequest(id: isFine ? id : nil)))
        }
    }

    @Test("P-22 a message without type that has id and success is a response")
    func olderResponse() throws {
        guard case .response(let response) = try guestMessage(#"{"id":"1","success":false}"#)
        else {
            Issue.record("not a response")
            return
        }
        #expect(response.id == "1" && !response.success)
    }

    @Test("P-25 a sample always has the four members that the host in the field insists on")
    func fourMembers() throws {
        let text = try #require(MetricsMessage(MetricsSample()).frame())
        try parse(Array(text.dropLast())) { root in
            let system = root.member("data")?.member("system")
            #expect(system?.member("cpu")?.member("usage_percent")?.isNull == true)
            #expect(system?.member("memory")?.member("total_kb")?.isNull == true)
            #expect(system?.member("disk")?.member("usage_stats")?.type == .array)
            #expect(system?.member("network")?.member("interfaces")?.type == .array)
        }
    }

    @Test("P-26 a sample that does not fit loses rows of its longest lists and says how many")
    func lostRows() throws {
        var sample = FixtureSample.make()
        var process = ProcessSample()
        process.commandLine = String(repeating: "x", count: 2000)
        sample.processes = (1...1000).map { pid in
            process.pid = UInt32(pid)
            return process
        }
        let text = try #require(MetricsMessage(sample).frame())
        #expect(text.count <= WireLimits.frameBytesMax)
        let message = try MetricsRoundTripTests.decoded(
            String(decoding: text.dropLast(), as: UTF8.self))
        #expect(message.droppedRows.processes > 400)
        #expect(message.sample.processes.count + message.droppedRows.processes == 1000)
        #expect(message.droppedRows.total == message.droppedRows.processes)
    }

    @Test("P-27 a batch holds as many whole samples as fit, the oldest first")
    func batches() throws {
        var small = MetricsSample()
        small.wallMilliseconds = 5
        var large = FixtureSample.make()
        var process = ProcessSample()
        process.commandLine = String(repeating: "x", count: 400_000)
        large.processes = [process]
        let batch = MetricsBatch([small, large, large, large], wallMilliseconds: 7)
        var outcome = MetricsBatchOutcome.noRoom
        let (text, _, _) = write { writer in outcome = batch.encode(into: &writer) }
        #expect(outcome == .written(byteCount: text.utf8.count, sampleCount: 3))
        let read = try #require(try parse(String(text.dropLast())) { MetricsBatch($0) })
        #expect(read.samples.count == 3 && read.samples[0].wallMilliseconds == 5)
        #expect(read.samples[2].processes.first?.commandLine.utf8.count == 400_000)
        #expect(MetricsBatch.capability == "metrics_batch")
        // One sample that no frame can hold is not cut: it goes as a message of its own.
        process.commandLine = String(repeating: "x", count: 1 << 20)
        large.processes = [process]
        _ = write { writer in
            #expect(MetricsBatch([large], wallMilliseconds: 7).encode(into: &writer) == .noRoom)
            #expect(writer.count == 0)
        }
    }

    @Test("P-29 numbers of a sample have three decimals and no exponent")
    func decimals() throws {
        var sample = MetricsSample()
        sample.cpu = CPUSample()
        for (number, text) in [(1e-9, "0"), (0.12345, "0.123"), (1e15, "1000000000000000")] {
            sample.cpu?.usagePercent = number
            let frame = String(
                decoding: try #require(MetricsMessage(sample).frame()), as: UTF8.self)
            #expect(frame.contains("\"usage_percent\":\(text),"))
        }
    }
}
