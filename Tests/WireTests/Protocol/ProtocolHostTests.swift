import Session
import Testing

@testable import Wire

/// Statements P-33 to P-50 of the protocol on the host's side.
@Suite struct ProtocolHostTests {
    static let epoch = SessionEpoch(high: 1, low: 2)

    static func greeting(
        session: UInt64 = 1, first: UInt64 = 1, next: UInt64 = 1, gaps: [SessionRange] = [],
        epoch: SessionEpoch = epoch
    ) -> SessionGreeting {
        SessionGreeting(epoch: epoch, session: session, first: first, next: next, gaps: gaps)
    }

    /// A host in session; `stored` numbers of the epoch are safe before.
    static func greeted(stored: UInt64 = 0, window: Int = 262_144) -> HostSession {
        let known =
            stored > 0 ? [HostSession.StoredEpoch(epoch: epoch, received: stored)] : []
        var session = HostSession(windowBytes: window, stored: known)
        _ = session.connected(at: 0)
        _ = session.greeted(greeting(first: stored + 1, next: stored + 1), at: 0)
        return session
    }

    /// Receives and stores numbers; gives what was acknowledged.
    static func take(
        _ numbers: ClosedRange<UInt64>, bytes: Int = 10, into session: inout HostSession,
        at now: UInt64 = 0
    ) -> [UInt64] {
        var told: [UInt64] = []
        for number in numbers {
            let actions = session.received(epoch, number, bytes: bytes, at: now)
            if let number = actions.acknowledges { told.append(number) }
            guard let through = actions.storesThrough else { continue }
            if let number = session.stored(epoch, through: through, at: now).acknowledges {
                told.append(number)
            }
        }
        return told
    }

    @Test("P-33 each handshake is answered with its epoch and session, and K")
    func answers() {
        var session = Self.greeted(stored: 7)
        for number in UInt64(2)...4 {
            let actions = session.greeted(
                Self.greeting(session: number, first: 8, next: 9 + number), at: 1)
            #expect(
                actions.answer
                    == SessionAnswer(
                        epoch: Self.epoch, session: number, received: 7, windowBytes: 262_144))
        }
    }

    @Test("P-44 a host acknowledges after 64 messages, 100 ms, or half the window")
    func acknowledges() {
        var session = Self.greeted()
        #expect(Self.take(1...63, into: &session) == [])
        #expect(Self.take(64...64, into: &session) == [64])
        #expect(Self.take(65...65, into: &session, at: 1000) == [])
        #expect(session.deadlineMilliseconds == 1100)
        #expect(session.tick(at: 1099).acknowledges == nil)
        #expect(session.tick(at: 1100).acknowledges == 65)
        #expect(Self.take(66...66, bytes: 131_071, into: &session, at: 1200) == [])
        #expect(Self.take(67...67, bytes: 1, into: &session, at: 1200) == [67])
    }

    @Test("P-45 a host acknowledges only what is safe")
    func onlySafe() {
        var session = Self.greeted()
        for number in UInt64(1)...200 {
            #expect(
                session.received(Self.epoch, number, bytes: 5000, at: number).acknowledges == nil)
        }
        #expect(session.tick(at: 10_000).acknowledges == nil)
        #expect(session.stored(Self.epoch, through: 3, at: 10_000).acknowledges == 3)
    }

    @Test("P-46 a jump is not acknowledged, asked about, and what follows is discarded")
    func jump() {
        var session = Self.greeted()
        _ = Self.take(1...3, into: &session)
        let actions = session.received(Self.epoch, 5, bytes: 10, at: 1)
        #expect(actions.verdict == .discard && actions.requestsGreeting)
        #expect(session.received(Self.epoch, 4, bytes: 10, at: 1).verdict == .discard)
        #expect(session.tick(at: 200).acknowledges == 3)
        let answer = session.greeted(Self.greeting(session: 2, first: 1, next: 6), at: 300).answer
        #expect(answer?.received == 3)
        #expect(session.received(Self.epoch, 4, bytes: 10, at: 300).verdict == .store)
    }

    @Test("P-47 numbers declared lost are passed over, at their place and by gaps")
    func declaredLost() throws {
        var session = Self.greeted()
        _ = Self.take(1...3, into: &session)
        let ahead = session.skipped(Self.epoch, SessionRange(from: 5, to: 6), at: 1)
        #expect(ahead.requestsGreeting)
        _ = session.greeted(
            Self.greeting(
                session: 2, next: 20, gaps: [SessionRange(from: 4, to: 6)]), at: 2)
        #expect(session.received(Self.epoch, 7, bytes: 1, at: 2).verdict == .store)
        #expect(session.skipped(Self.epoch, SessionRange(from: 8, to: 9), at: 2).storesThrough == 9)
        #expect(session.received(Self.epoch, 10, bytes: 1, at: 2).verdict == .store)
        #expect(session.counters.numbersLost == 0)

        let text =
            #"{"type":"skipped","epoch":"00112233445566778899aabbccddeeff","from":8,"to":9}"#
        guard case .skipped(let skipped) = try guestMessage(text) else {
            Issue.record("not skipped")
            return
        }
        #expect(skipped.range == NumberRange(from: 8, to: 9))
    }

    @Test("P-48 a host whose K is below first-1 moves to it and says what is lost")
    func lost() {
        var session = Self.greeted(stored: 2)
        let actions = session.greeted(Self.greeting(session: 2, first: 9, next: 12), at: 1)
        #expect(actions.lost == SessionRange(from: 3, to: 8))
        #expect(session.received(Self.epoch, 9, bytes: 1, at: 1).verdict == .store)
    }

    @Test("P-49 K of the last 8 epochs is kept")
    func epochs() {
        var session = HostSession()
        _ = session.connected(at: 0)
        for low in UInt64(1)...9 {
            let epoch = SessionEpoch(high: 0, low: low)
            _ = session.greeted(Self.greeting(next: 2, epoch: epoch), at: 0)
            _ = session.received(epoch, 1, bytes: 1, at: 0)
            _ = session.stored(epoch, through: 1, at: 0)
        }
        #expect(session.epochs.map(\.epoch.low) == Array(2...9))
        func known(_ low: UInt64) -> UInt64? {
            session.greeted(
                Self.greeting(session: 2, next: 3, epoch: SessionEpoch(high: 0, low: low)), at: 0
            ).answer?.received
        }
        #expect(known(2) == 1)
        #expect(known(1) == 0)
    }

    @Test("P-50 a number that the host has is dropped")
    func repeats() {
        var session = Self.greeted()
        _ = Self.take(1...3, into: &session)
        for number in UInt64(1)...3 {
            let actions = session.received(Self.epoch, number, bytes: 1, at: 1)
            #expect(actions.verdict == .duplicate && actions.storesThrough == nil)
        }
        #expect(session.received(Self.epoch, 4, bytes: 1, at: 1).verdict == .store)
    }
}
