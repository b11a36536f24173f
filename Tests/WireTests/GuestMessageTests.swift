import Foundation
import Testing

@testable import Wire

@Suite struct GuestMessageTests {
    @Test func aHandshakeIsReadBackWithAndWithoutAnOffer() throws {
        var handshake = Handshake(
            vmID: "vm \"1\"", version: "1.2.3", capabilities: ["metrics", "ack"], offer: nil,
            wallMilliseconds: 1_795_523_400_250)
        guard case .handshake(let plain) = try guestMessage(frame(handshake)) else {
            Issue.record("not a handshake")
            return
        }
        #expect(plain == handshake)
        var offer = SessionOffer(epoch: Epoch(high: 0, low: 1), session: 2, first: 3, next: .max)
        offer.gaps = [NumberRange(from: 1, to: 2), NumberRange(from: 9, to: 9)]
        handshake.offer = offer
        guard case .handshake(let offering) = try guestMessage(frame(handshake)) else {
            Issue.record("not a handshake")
            return
        }
        #expect(offering == handshake)
    }

    @Test(arguments: [
        ("\"gaps\":[]", "\"gaps\":{}"), ("\"gaps\":[]", "\"gaps\":[[1]]"),
        ("\"gaps\":[]", "\"gaps\":[[2,1]]"), ("\"gaps\":[]", "\"gaps\":[[1,2,3]]"),
        ("\"gaps\":[]", "\"gaps\":[1]"), ("\"gaps\":[]", "\"gap\":[]"), ("vireo/1", "vireo/2"),
        ("\"first\":3", "\"first\":30"), ("\"session\":2", "\"session\":-2"),
    ])
    func anOfferThatMakesNoSenseIsNone(of: String, with: String) throws {
        let handshake = Handshake(
            vmID: "v", version: "1", capabilities: [],
            offer: SessionOffer(epoch: Epoch(high: 0, low: 1), session: 2, first: 3, next: 4),
            wallMilliseconds: 0)
        let text = frame(handshake)
        let damaged = text.replacingOccurrences(of: of, with: with)
        #expect(damaged != text)
        guard case .handshake(let read) = try guestMessage(damaged) else {
            Issue.record("not a handshake")
            return
        }
        #expect(read.offer == nil && read.vmID == "v")
    }

    @Test func errorsKeepAlivesAndPingsAreReadBack() throws {
        let large = ErrorMessage.messageTooLarge(bytes: 67_108_864, wallMilliseconds: 5)
        guard case .error(let error) = try guestMessage(frame(large)) else {
            Issue.record("not an error")
            return
        }
        #expect(error == large)
        let answer = KeepAlive(.answer, sequenceNumber: 7, wallMilliseconds: 5)
        guard case .keepAlive(let read) = try guestMessage(frame(answer)) else {
            Issue.record("not a keep_alive")
            return
        }
        #expect(read == answer)
        guard
            case .other("ping") = try guestMessage(frame(Ping(sequence: 1, wallMilliseconds: 5)))
        else {
            Issue.record("a ping is no other type")
            return
        }
    }

    @Test func everyErrorCodeSurvivesAndAnUnknownOneToo() throws {
        #expect(Set(ErrorCode.all).count == 14)
        for code in ErrorCode.all + [ErrorCode(rawValue: "NEW_ONE")] {
            let message = ErrorMessage(code, id: "7", wallMilliseconds: 5)
            guard case .error(let read) = try guestMessage(frame(message)) else {
                Issue.record("not an error")
                continue
            }
            #expect(read == message)
        }
    }

    @Test func everyReasonForRefusalSaysWhatToDo() {
        let errors: [JSONError] = [
            .notJSON, .notUTF8, .byteOrderMark, .badNumber, .tooDeep, .tooManyTokens, .tooLong,
            .duplicateName, .outOfMemory,
        ]
        for error in errors {
            let message = ErrorMessage.invalid(error, wallMilliseconds: 0)
            #expect(message.details.reason?.contains(": ") == true)
            #expect(frame(message).utf8.count < 250)
        }
    }

    @Test func aResponseIsReadBack() throws {
        var response = CommandResponse(
            id: "c-1", success: true, commandType: "ProcessList", wallMilliseconds: 5)
        response.exitCode = -9
        response.stdout = "[{\"pid\":1}]\n"
        response.stderr = "\u{1B}[31m"
        response.executionMilliseconds = 12
        response.error = "COMMAND_FAILED"
        response.outcome = .signalled
        response.numbering = Numbering(epoch: Epoch(high: 1, low: 2), sequence: 3)
        guard case .response(let read) = try guestMessage(frame(response)) else {
            Issue.record("not a response")
            return
        }
        #expect(read == response)
        response.dataJSON = #"{"outcome":"exited","stdout":{"bytes":3}}"#
        guard case .response(let other) = try guestMessage(frame(response)) else {
            Issue.record("not a response")
            return
        }
        #expect(other.outcome == .exited)
    }

    @Test func aRefusalSaysWhichAndWhy() throws {
        let refusal = CommandResponse.refusal(
            of: .unsafe, id: "c-1", .refusedByPolicy, reason: "commands are off: see policy",
            wallMilliseconds: 5)
        #expect(
            frame(refusal)
                == #"{"type":"response","timestamp":"1970-01-01T00:00:00.005Z","id":"c-1","#
                + #""success":false,"#
                + #""stdout":"","stderr":"commands are off: see policy","execution_time_ms":0,"#
                + #""command_type":"unsafe","error":"REFUSED_BY_POLICY","#
                + #""data":{"outcome":"refused"}}"#
        )
        #expect(CommandOutcome.allCases.map(\.rawValue).contains("failed_to_start"))
    }

    @Test func anOlderAgentsResponseHasNoType() throws {
        let text =
            #"{"id":"1","success":true,"exit_code":0,"stdout":"x","stderr":""}"#
        guard case .response(let response) = try guestMessage(text) else {
            Issue.record("not a response")
            return
        }
        #expect(response.id == "1" && response.exitCode == 0 && response.stdout == "x")
        guard case .invalid = try guestMessage(#"{"id":"1"}"#) else {
            Issue.record("accepted a message without type and success")
            return
        }
    }

    @Test(arguments: [
        "[]", "{}", #"{"type":7}"#, #"{"type":"metrics"}"#, #"{"type":"metrics","data":[]}"#,
        #"{"type":"error"}"#, #"{"type":"keep_alive"}"#, #"{"type":"response","id":"1"}"#,
    ])
    func whatLacksSomethingIsInvalid(text: String) throws {
        guard case .invalid = try guestMessage(text) else {
            Issue.record("accepted \(text)")
            return
        }
    }

    @Test func metricsOfAnyShapeAreReadAsFarAsTheyGo() throws {
        let shapes = [
            #"{"system":{}}"#, #"{"system":[]}"#, #"{"system":{"cpu":5,"disk":[],"network":null}}"#,
            #"{"processes":[1,{},{"pid":"x"},{"pid":4294967296},{"pid":-1}],"ports":{"a":1}}"#,
            #"{"system":{"cpu":{"usage_percent":"x"},"memory":{"total_kb":-1}},"agent":7}"#,
        ]
        for shape in shapes {
            let message = try MetricsRoundTripTests.decoded(#"{"type":"metrics","data":\#(shape)}"#)
            #expect("\(message.sample)" == "\(MetricsSample())", "\(shape)")
        }
    }
}
