import Testing

@testable import Wire

@Suite struct HostMessageTests {
    @Test func requestsAreToldApart() throws {
        #expect(try hostMessage(#"{"type":"Metrics"}"#) == .metricsRequest(MetricsRequest()))
        #expect(
            try hostMessage(#"{"id":"a","type":"Metrics","x":[1]}"#)
                == .metricsRequest(MetricsRequest(id: "a")))
        #expect(try hostMessage(#"{"type":"handshake_request"}"#) == .handshakeRequest)
        #expect(try hostMessage(#"{"type":"keep_alive_response"}"#) == .keepAliveResponse)
        #expect(
            try hostMessage(#"{"type":"keep_alive_response","sequence_number":1,"timestamp":2}"#)
                == .keepAliveResponse)
    }

    @Test(
        arguments: [
            (#""2026-11-24T12:30:00.250Z""#, 1_795_523_400_250),
            ("1795523400250", 1_795_523_400_250),
            ("1795523400", 1_795_523_400_000), ("null", nil), (#""now""#, nil),
        ] as [(String, Int64?)])
    func aKeepAliveRequestHasItsTimeInAnyForm(time: String, milliseconds: Int64?) throws {
        let text = #"{"type":"keep_alive_request","sequence_number":41,"timestamp":\#(time)}"#
        guard case .keepAliveRequest(let request) = try hostMessage(text) else {
            Issue.record("not understood")
            return
        }
        #expect(request.sequenceNumber == 41)
        #expect(request.wallMilliseconds == milliseconds)
    }

    @Test func whatWeSendAsHostIsUnderstoodByTheGuest() throws {
        let epoch = Epoch(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        var answer = HandshakeAcknowledgement(
            epoch: epoch, session: 3, received: .max, windowBytes: 262_144, capabilities: ["ack"])
        #expect(try hostMessage(frame(answer)) == .handshakeAcknowledgement(answer))
        answer.isObserver = true
        answer.capabilities = []
        #expect(try hostMessage(frame(answer)) == .handshakeAcknowledgement(answer))
        let ack = Acknowledgement(Numbering(epoch: epoch, sequence: 77))
        #expect(try hostMessage(frame(ack)) == .acknowledgement(ack))
        let request = KeepAlive(.request, sequenceNumber: 5, wallMilliseconds: 1_795_523_400_250)
        #expect(try hostMessage(frame(request)) == .keepAliveRequest(request))
        let response = KeepAlive(.response, sequenceNumber: 5, wallMilliseconds: 1_795_523_400_250)
        #expect(try hostMessage(frame(response)) == .keepAliveResponse)
        #expect(try hostMessage(frame(HandshakeRequest())) == .handshakeRequest)
        #expect(
            try hostMessage(frame(MetricsRequest(id: "9")))
                == .metricsRequest(MetricsRequest(id: "9")))
    }

    @Test(arguments: Command.Kind.allCases.filter { $0 != .pendingScripts })
    func everyCommandIsKnownByItsIdAndRefusedWithoutOneThatCanBeEchoed(kind: Command.Kind) throws {
        let text = #"{"type":"\#(kind.rawValue)","id":"c-1","raw_command":"id","timeout":3}"#
        #expect(try hostMessage(text) == .command(Command(kind, ids: ["c-1"])))
        let longest = String(repeating: "i", count: WireLimits.identifierBytesMax)
        for (id, isFine) in [
            ("\"\(longest)\"", true), ("\"\(longest)i\"", false), ("\"\"", false), ("7", false),
            ("null", false),
        ] {
            let message = try hostMessage(#"{"type":"\#(kind.rawValue)","id":\#(id)}"#)
            if case .command = message {
                #expect(isFine, "\(id.prefix(9))")
            } else {
                #expect(!isFine)
            }
        }
    }

    @Test func pendingScriptsAreCommandsByTheirExecutionIds() throws {
        let text = #"""
            {"type":"pending_scripts_response","timestamp":"x","scripts":[{"execution_id":"e1",
            "script_content":"id"},{"execution_id":"e2"}]}
            """#
        #expect(try hostMessage(text) == .command(Command(.pendingScripts, ids: ["e1", "e2"])))
        #expect(
            try hostMessage(#"{"type":"pending_scripts_response","scripts":[]}"#)
                == .command(Command(.pendingScripts, ids: [])))
        for bad in ["{}", "null", "[{}]", "[1]"] {
            guard
                case .invalid = try hostMessage(
                    #"{"type":"pending_scripts_response","scripts":\#(bad)}"#)
            else {
                Issue.record("accepted \(bad)")
                continue
            }
        }
    }

    @Test func aSignedEnvelopeKeepsItsPayloadVerbatim() throws {
        let text =
            #"{"type":"signed","v":1,"nonce":"n","payload":"{\"type\":\"Metrics\"}","sig":"00"}"#
        guard case .signed(let envelope) = try hostMessage(text) else {
            Issue.record("not understood")
            return
        }
        #expect(envelope.version == 1)
        #expect(envelope.payload == #"{"type":"Metrics"}"#)
        guard case .invalid = try hostMessage(#"{"type":"signed","v":1,"payload":{}}"#) else {
            Issue.record("accepted an envelope without a payload")
            return
        }
    }

    @Test func whatIsUnknownIsAnsweredWithAnErrorThatNamesIt() throws {
        let message = try hostMessage(#"{"type":"Dance","id":"7"}"#)
        #expect(message == .unknown(type: "Dance", id: "7"))
        let reply = try #require(message.errorReply(wallMilliseconds: 1))
        #expect(reply.code == .unknownCommand)
        #expect(reply.id == "7")
        #expect(reply.details.type == "Dance")
        let long = try hostMessage("{\"type\":\"\(String(repeating: "é", count: 5000))\"}")
        let shortened = try #require(long.errorReply(wallMilliseconds: 1))
        #expect(shortened.details.type == String(repeating: "é", count: 32))
        #expect(frame(shortened).utf8.count < 200)
    }

    @Test(arguments: [
        "[]", "1", "null", #""Metrics""#, "{}", #"{"type":1}"#, #"{"type":null}"#,
        #"{"Type":"Metrics"}"#,
        #"{"type":"keep_alive_request"}"#, #"{"type":"keep_alive_request","sequence_number":-1}"#,
        #"{"type":"keep_alive_request","sequence_number":"1"}"#, #"{"type":"Exec"}"#,
        #"{"type":"handshake_ack"}"#, #"{"type":"signed"}"#,
        #"{"type":"handshake_ack","epoch":"12","session":1,"received":1,"window":1}"#,
        #"{"type":"handshake_ack","epoch":"0123456789abcdef0123456789abcdeg","session":1,"#
            + #""received":1,"window":1}"#,
        #"{"type":"handshake_ack","epoch":"0123456789abcdef0123456789abcdef","session":1.5,"#
            + #""received":1,"window":1}"#,
    ])
    func whatLacksSomethingIsInvalidAndSaysSo(text: String) throws {
        let message = try hostMessage(text)
        guard case .invalid(let fault) = message else {
            Issue.record("understood as \(message)")
            return
        }
        #expect(!fault.description.isEmpty)
        #expect(message.errorReply(wallMilliseconds: 1)?.code == .invalidMessage)
    }

    @Test(arguments: [
        #"{"type":"error"}"#, #"{"type":"error","error":"X"}"#, #"{"type":"response"}"#,
        #"{"type":"response","id":"1","success":true}"#, #"{"type":"ack"}"#,
        #"{"type":"ack","epoch":"x","seq":1}"#, #"{"type":"keep_alive_response"}"#,
        #"{"type":"ack","epoch":"0123456789abcdef0123456789ABCDEF","seq":18446744073709551615}"#,
    ])
    func errorsAcknowledgementsAndResponsesAreNeverAnswered(text: String) throws {
        #expect(try hostMessage(text).errorReply(wallMilliseconds: 1) == nil)
    }
}
