import Session
import Testing

@testable import Wire

/// Statements P-31 to P-58 of the protocol on the guest's side.
@Suite struct ProtocolGuestTests {
    static let epoch = SessionEpoch(high: 1, low: 2)

    static func answer(
        _ session: GuestSession, received: UInt64 = 0, window: UInt64 = 262_144,
        acknowledges: Bool = true
    ) -> SessionAnswer {
        SessionAnswer(
            epoch: session.epoch, session: session.session, received: received,
            windowBytes: window, acknowledges: acknowledges)
    }

    /// A guest whose host acknowledges, with the window that it asked for.
    static func acknowledged(window: UInt64 = 262_144) -> GuestSession {
        var session = GuestSession(epoch: epoch)
        _ = session.hostArrived(at: 0)
        _ = session.answered(answer(session, window: window), at: 0)
        return session
    }

    /// Numbers messages of these sizes; each leaves at once if it may.
    ///
    /// - Returns: the numbers that left.
    static func send(
        _ sizes: [Int], _ kind: MessageClass = .metrics, through session: inout GuestSession,
        at now: UInt64 = 0
    ) -> [UInt64] {
        var left: [UInt64] = []
        for size in sizes {
            guard case .numbered = session.admission(of: kind, at: now) else { break }
            session.enter(kind, bytes: size)
            left += departures(&session, at: now)
        }
        return left
    }

    static func departures(_ session: inout GuestSession, at now: UInt64 = 0) -> [UInt64] {
        var left: [UInt64] = []
        while case .frame(let number, _) = session.nextDeparture(at: now) { left.append(number) }
        return left
    }

    @Test(
        "P-31 an offer that contradicts itself is none",
        arguments: [
            #""first":9,"next":3,"gaps":[]"#, #""first":1,"next":3,"gaps":[[3,2]]"#,
            #""first":1,"gaps":[]"#, #""first":1,"next":3,"gaps":[],"protocol":"vireo/2""#,
        ])
    func badOffer(members: String) throws {
        let proto = members.contains("protocol") ? "" : #""protocol":"vireo/1","#
        let text =
            #"{"type":"handshake","vm_id":"v",\#(proto)"session":1,"#
            + #""epoch":"00112233445566778899aabbccddeeff",\#(members)}"#
        guard case .handshake(let handshake) = try guestMessage(text) else {
            Issue.record("not a handshake")
            return
        }
        #expect(handshake.offer == nil && handshake.vmID == "v")
    }

    @Test("P-34 nothing with a number leaves until the answer comes")
    func waits() {
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 0)
        for kind in [MessageClass.result, .event, .metrics] {
            #expect(session.admission(of: kind, at: 0) == .wait)
        }
        #expect(session.admission(of: .control, at: 0) == .unnumbered)
        _ = session.answered(Self.answer(session), at: 1)
        #expect(session.admission(of: .metrics, at: 1) == .numbered(1))
    }

    @Test("P-35 without an answer within 2 s the host is plain, and results wait 10 s more")
    func plain() {
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 100)
        _ = session.tick(at: 2099)
        #expect(session.admission(of: .metrics, at: 2099) == .wait)
        _ = session.tick(at: 2100)
        #expect(session.state == .plain)
        #expect(session.admission(of: .metrics, at: 2100) == .unnumbered)
        #expect(session.admission(of: .result, at: 12_099) == .wait)
        #expect(session.admission(of: .result, at: 12_100) == .unnumbered)
    }

    @Test("P-36 that the host is plain is remembered")
    func plainAgain() {
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        session.hostLeft(at: 3000)
        let actions = session.hostArrived(at: 4000)
        #expect(actions.greeting != nil)
        #expect(session.admission(of: .metrics, at: 4000) == .unnumbered)
    }

    @Test("P-37 an answer that comes late is as good as one in time")
    func late() {
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        _ = session.answered(Self.answer(session), at: 9000)
        #expect(session.state == .acknowledged)
        #expect(session.admission(of: .metrics, at: 9000) == .numbered(1))
    }

    @Test("P-38 once an answer came, or with require_ack, no host is taken for a plain one")
    func neverPlain() {
        var seen = Self.acknowledged()
        seen.hostLeft(at: 1)
        var required = GuestSession(epoch: Self.epoch, requiresAcknowledgement: true)
        for time in stride(from: UInt64(10), to: 1_000_000, by: 997) {
            if time == 10 {
                _ = seen.hostArrived(at: time)
                _ = required.hostArrived(at: time)
            }
            _ = seen.tick(at: time)
            _ = required.tick(at: time)
            #expect(seen.state == .greeting && required.state == .greeting)
        }
    }

    @Test("P-39 an answer for another epoch or session is ignored and counted")
    func otherAnswers() {
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 0)
        var other = Self.answer(session)
        other.epoch = SessionEpoch(high: 7, low: 7)
        #expect(session.answered(other, at: 0) == .none)
        other = Self.answer(session)
        other.session += 1
        #expect(session.answered(other, at: 0) == .none)
        #expect(session.state == .greeting)
        #expect(session.counters.answersOfOtherEpochs == 1)
        #expect(session.counters.answersOfOtherSessions == 1)
    }

    @Test("P-40 an observer gets control and the answers to its own commands")
    func observer() throws {
        let text =
            #"{"type":"handshake_ack","epoch":"00000000000000010000000000000002","session":1,"#
            + #""received":0,"window":1,"capabilities":["ack"],"observer":true}"#
        guard case .handshakeAcknowledgement(let answer) = try hostMessage(text) else {
            Issue.record("not an answer")
            return
        }
        #expect(answer.isObserver)
        var session = GuestSession(epoch: Self.epoch)
        _ = session.hostArrived(at: 0)
        _ = session.answered(Self.answer(session, acknowledges: false), at: 0)
        #expect(session.admission(of: .control, at: 0) == .unnumbered)
        #expect(session.admission(of: .result, answering: 1, at: 0) == .unnumbered)
        #expect(session.admission(of: .result, answering: 0, at: 0) == .wait)
        #expect(session.admission(of: .metrics, at: 0) == .wait)
        #expect(session.admission(of: .event, at: 0) == .wait)
    }

    @Test("P-41 numbers are 1, 2, 3 in the order in which messages enter the ring")
    func numbers() {
        var session = Self.acknowledged()
        #expect(Self.send([10, 10], .metrics, through: &session) == [1, 2])
        #expect(Self.send([10], .result, through: &session) == [3])
        #expect(Self.send([10], .event, through: &session) == [4])
    }

    @Test("P-42 a new session sends from max(K+1, first) on again, before anything new")
    func again() {
        var session = Self.acknowledged()
        #expect(Self.send([10, 20, 30, 40, 50], through: &session) == [1, 2, 3, 4, 5])
        _ = session.acknowledged(Self.epoch, through: 2, at: 1)
        session.hostLeft(at: 2)
        let greeting = session.hostArrived(at: 3).greeting
        #expect(greeting?.first == 3 && greeting?.next == 6)
        _ = session.answered(Self.answer(session, received: 3), at: 4)
        #expect(session.admission(of: .result, at: 4) == .wait)
        #expect(session.nextDeparture(at: 4) == .frame(number: 4, bytes: 40))
        #expect(session.nextDeparture(at: 4) == .frame(number: 5, bytes: 50))
        #expect(session.admission(of: .result, at: 4) == .numbered(6))
    }

    @Test("P-43 ack is cumulative, and one at or below what is known is ignored")
    func cumulative() {
        var session = Self.acknowledged()
        _ = Self.send([10, 20, 30], through: &session)
        #expect(session.acknowledged(Self.epoch, through: 2, at: 1).releasedBytes == 30)
        #expect(session.acknowledged(Self.epoch, through: 2, at: 1) == .none)
        #expect(session.acknowledged(Self.epoch, through: 1, at: 1) == .none)
        #expect(session.acknowledgedNumber == 2 && session.keptBytes == 30)
        #expect(session.counters.acknowledgementsStale == 2)
    }

    @Test("P-51 in flight stays within the window, and one frame may always be")
    func window() {
        var session = Self.acknowledged(window: 10_000)
        let sizes = Array(repeating: 4000, count: 10)
        #expect(Self.send(sizes, through: &session) == [1, 2])
        #expect(session.inFlightBytes <= 10_000)
        // The third has its number and waits for room in the window.
        _ = session.acknowledged(Self.epoch, through: 1, at: 1)
        #expect(Self.departures(&session) == [3])
        _ = session.acknowledged(Self.epoch, through: 3, at: 1)
        #expect(Self.send([500_000], through: &session) == [4])
        #expect(Self.send([10], through: &session).isEmpty)
    }

    @Test("P-52 with something in flight and no progress for 5 s a new session begins")
    func noProgress() {
        var session = Self.acknowledged()
        _ = Self.send([10, 10], through: &session)
        _ = session.acknowledged(Self.epoch, through: 1, at: 1000)
        #expect(session.tick(at: 5999).greeting == nil)
        let greeting = session.tick(at: 6000).greeting
        #expect(greeting?.session == 2 && greeting?.first == 2)
        var idle = Self.acknowledged()
        #expect(idle.tick(at: 1_000_000).greeting == nil)
    }

    @Test("P-53 a window is clamped to 4 KiB and 1 MiB")
    func clamped() {
        #expect(Self.acknowledged(window: 0).windowBytes == 4096)
        #expect(Self.acknowledged(window: .max).windowBytes == 1_048_576)
        #expect(Self.acknowledged(window: 70_000).windowBytes == 70_000)
    }

    @Test("P-54 metrics are given up and declared lost, results and events never are")
    func givenUp() {
        var session = Self.acknowledged()
        for kind in [MessageClass.metrics, .result, .metrics, .event, .metrics] {
            _ = Self.send([100], kind, through: &session)
        }
        session.hostLeft(at: 1)
        _ = session.giveUpMetrics(bytes: 1_000_000)
        #expect(
            session.gaps == [1, 3, 5].map { SessionRange(from: $0, to: $0) })
        #expect(session.hostArrived(at: 2).greeting?.gaps == session.gaps)
        var outbox = Outbox<Int>()
        #expect(outbox.append(1, class: .result, bytes: OutboxLimits.resultBytesMax) == .queued)
        #expect(outbox.append(2, class: .result, bytes: 1) == .refused)
        #expect(outbox.append(3, class: .event, bytes: OutboxLimits.eventBytesMax) == .queued)
        #expect(outbox.append(4, class: .event, bytes: 1) == .refused)
    }

    @Test("P-55 every sample carries how many gave way")
    func droppedTotal() throws {
        var outbox = Outbox<Int>()
        for count in 0..<5 {
            _ = outbox.append(count, class: .metrics, bytes: OutboxLimits.metricsBytesMax / 2)
        }
        #expect(outbox.dropped == 3)
        let message = MetricsMessage(MetricsSample(), droppedMessages: outbox.dropped)
        let text = MetricsRoundTripTests.encoded(message).text
        #expect(try MetricsRoundTripTests.decoded(text).droppedMessages == 3)
    }

    @Test("P-56 a K above everything sent begins a new epoch, and what is kept is renumbered")
    func rolledBack() throws {
        var session = Self.acknowledged()
        _ = Self.send([100, 100], through: &session)
        #expect(session.acknowledged(Self.epoch, through: 3, at: 1).needsEpoch)
        #expect(session.admission(of: .metrics, at: 1) == .wait)
        let actions = session.renewEpoch(SessionEpoch(high: 3, low: 4), at: 1) { $0.oldBytes + 49 }
        let greeting = try #require(actions.greeting)
        #expect(greeting.epoch == SessionEpoch(high: 3, low: 4))
        #expect(greeting.forkedFrom == Self.epoch)
        #expect(greeting.first == 1 && greeting.next == 3 && greeting.session == 1)

        let old = Numbering(epoch: MessageSamples.epoch, sequence: 131)
        let new = Numbering(epoch: Epoch(high: 3, low: 4), sequence: 1)
        for sample in MessageSamples.guest where sample.text.contains(#""seq":131"#) {
            let frame = Array(sample.text.utf8)
            let bytes = try #require(new.replacing(old, in: frame[...]))
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(try parse(text) { Numbering($0) } == new)
            #expect(text.contains(#""forked_from":"00112233445566778899aabbccddeeff""#))
            #expect(bytes.count <= frame.count + Numbering.renumberingBytesMax)
        }
    }

    @Test("P-57 classes leave in this order: control, results, events, metrics")
    func order() {
        var outbox = Outbox<MessageClass>()
        for kind in [MessageClass.metrics, .event, .result, .control] {
            _ = outbox.append(kind, class: kind, bytes: 1)
        }
        var order: [MessageClass] = []
        while let next = outbox.first {
            order.append(next)
            outbox.removeFirst()
        }
        #expect(order == [.control, .result, .event, .metrics])
    }

    @Test("P-58 control has no number")
    func control() {
        let session = Self.acknowledged()
        #expect(session.admission(of: .control, at: 0) == .unnumbered)
        let control = ["keep_alive", "error", "handshake"]
        for sample in MessageSamples.guest where control.contains(sample.type) {
            #expect(!sample.text.contains("\"seq\""), "\(sample.text)")
        }
        for response in MessageSamples.responses where response.outcome == .refused {
            #expect(response.numbering == nil)
        }
    }
}
