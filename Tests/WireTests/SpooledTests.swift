import Testing
import Wire

/// `spooled` in a handshake and in its answer.
@Suite struct SpooledTests {
    static let epoch = Epoch(high: 1, low: 2)
    static let digits = "00000000000000010000000000000002"

    private func handshake(_ spooled: [SpooledOffer]) -> Handshake {
        var offer = SessionOffer(
            epoch: Epoch(high: 9, low: 9), session: 1, first: 1, next: 1)
        offer.spooled = spooled
        return Handshake(
            vmID: "vm", version: "1", capabilities: ["ack"], offer: offer, wallMilliseconds: 0)
    }

    @Test func aHandshakeListsWhatIsSpooledAndNothingWithoutASpool() throws {
        let one = SpooledOffer(epoch: Self.epoch, first: 3, next: 8)
        let text = frame(handshake([one]))
        #expect(
            text.contains("\"spooled\":[{\"epoch\":\"\(Self.digits)\",\"first\":3,\"next\":8}]"))
        #expect(!frame(handshake([])).contains("spooled"))
        guard case .handshake(let read) = try guestMessage(text) else {
            Issue.record("not a handshake")
            return
        }
        #expect(read.offer?.spooled == [one])
    }

    @Test(arguments: [
        #"{"epoch":"0","first":1,"next":2}"#,
        #"{"epoch":"00000000000000010000000000000002","first":3,"next":2}"#,
        #"{"epoch":"00000000000000010000000000000002","first":-1,"next":2}"#,
        "7",
    ])
    func aListThatMakesNoSenseIsNoOffer(_ element: String) throws {
        let text = frame(handshake([])).replacing(
            "\"gaps\":", with: "\"spooled\":[\(element)],\"gaps\":")
        guard case .handshake(let read) = try guestMessage(text) else {
            Issue.record("not a handshake")
            return
        }
        #expect(read.offer == nil)
    }

    @Test func anAnswerSaysWhatIsThereOrThatItDoesNotKnow() throws {
        var answer = HandshakeAcknowledgement(
            epoch: Self.epoch, session: 1, received: 4, windowBytes: 4096, capabilities: ["ack"])
        for spooled in [nil, [], [SpooledReceipt(epoch: Self.epoch, received: 5)]] {
            answer.spooled = spooled
            guard case .handshakeAcknowledgement(let read) = try hostMessage(frame(answer)) else {
                Issue.record("not an answer")
                return
            }
            #expect(read == answer)
        }
        answer.spooled = nil
        #expect(!frame(answer).contains("spooled"))
    }
}
