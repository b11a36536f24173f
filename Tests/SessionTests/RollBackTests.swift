import Session
import Testing

/// Protocol, "Rolled back".
@Suite struct RollBackTests {
    /// A guest that kept 2...4 and gave up 3, with nothing sent above 4.
    static func guest() -> GuestSession {
        var session = GuestSession.acknowledged()
        session.send(1, .metrics)
        session.send(1, .result)
        session.send(1, .metrics, bytes: 70)
        session.send(1, .event)
        _ = session.acknowledged(epochA, through: 1, at: 2)
        return session
    }

    @Test func anAcknowledgementAboveTheLastNumberSentIsARollBack() {
        var session = Self.guest()
        let actions = session.acknowledged(epochA, through: 5, at: 3)
        #expect(actions.needsEpoch && actions.releasedMessages == 0)
        #expect(session.state == .rolledBack && session.counters.rollbacks == 1)
        #expect(session.keptMessages == 3)
        #expect(session.nextDeparture(at: 3) == nil)
        #expect(session.admission(of: .result, at: 3) == .wait)
    }

    @Test func anAnswerAboveTheLastNumberSentIsARollBack() {
        var session = Self.guest()
        _ = session.hostArrived(at: 3)
        #expect(session.answered(session.answer(received: 5), at: 4).needsEpoch)
        #expect(session.state == .rolledBack && session.keptMessages == 3)
    }

    @Test func aNumberThatWasGivenAndNeverLeftIsAboveTheLastSent() {
        var session = Self.guest()
        session.enter(.metrics, bytes: 10)
        #expect(session.acknowledged(epochA, through: 5, at: 3).needsEpoch)
    }

    @Test func everythingKeptIsRenumberedInANewEpochAndSession() {
        var session = Self.guest()
        session.hostLeft(at: 3)
        _ = session.giveUpMetrics(bytes: 1)
        _ = session.hostArrived(at: 4)
        _ = session.answered(session.answer(received: 9), at: 5)
        var asked: [GuestSession.Renumbering] = []
        let actions = session.renewEpoch(epochB, at: 6) { renumbering in
            asked.append(renumbering)
            return renumbering.oldBytes + 30
        }
        #expect(asked.map(\.oldNumber) == [2, 3, 4] && asked.map(\.newNumber) == [1, 2, 2])
        #expect(asked.map(\.isGivenUp) == [false, true, false])
        #expect(asked.map(\.messageClass) == [.result, .metrics, .event])
        #expect(asked.map(\.oldBytes) == [100, 70, 100])
        #expect(
            actions.greeting
                == SessionGreeting(
                    epoch: epochB, session: 1, first: 1, next: 3, forkedFrom: epochA))
        #expect(session.keptBytes == 260 && session.gaps.isEmpty)
        _ = session.answered(session.answer(), at: 7)
        #expect(session.leave() == [1, 2])
        #expect(session.counters.messagesResent == 0)
        #expect(session.acknowledged(epochA, through: 2, at: 8) == .none)
        #expect(session.acknowledged(epochB, through: 2, at: 8).releasedMessages == 2)
    }

    @Test func asMuchAsCanBeKeptCanBeRenumbered() {
        var session = GuestSession.acknowledged(windowBytes: 1_048_576)
        session.send(SessionLimits.keptNumbersMax - 1, bytes: 120)
        session.send(1, bytes: SessionLimits.numberedFrameBytesMax)
        #expect(session.keptMessages == SessionLimits.keptNumbersMax)
        _ = session.renewEpoch(epochB, at: 4) { $0.oldBytes + SessionLimits.forkBytesMax }
        #expect(session.keptMessages == SessionLimits.keptNumbersMax)
        #expect(session.admission(of: .result, at: 4) == .wait)
    }

    @Test func aChangeOfGenerationDoesTheSame() {
        var session = Self.guest()
        session.hostLeft(at: 3)
        let actions = session.renewEpoch(epochB, at: 4) { $0.oldBytes }
        #expect(actions == .none && session.state == .absent && session.keptMessages == 3)
        #expect(session.hostArrived(at: 5).greeting?.forkedFrom == epochA)
    }

    @Test func afterARollBackTheAgentDoesNotFallBackToAPlainHost() {
        var session = Self.guest()
        _ = session.renewEpoch(epochB, at: 4) { $0.oldBytes }
        _ = session.tick(at: 8999)
        #expect(session.state == .greeting)
    }

    @Test func whileAnEpochIsAwaitedNothingElseIsDone() {
        var session = Self.guest()
        _ = session.acknowledged(epochA, through: 50, at: 3)
        #expect(session.hostArrived(at: 4) == .none)
        #expect(session.greetingRequested(at: 4) == .none)
        #expect(session.acknowledged(epochA, through: 3, at: 4) == .none)
        #expect(session.answered(session.answer(received: 3), at: 4) == .none)
        session.hostLeft(at: 5)
        #expect(session.state == .rolledBack && session.deadlineMilliseconds == nil)
        #expect(session.renewEpoch(epochB, at: 6) { $0.oldBytes } == .none)
    }

    @Test func aHostThatSeesASessionAgainMakesTheGuestBeginAnotherEpoch() {
        // The same handshake twice: the second comes from a restored snapshot. K alone is not
        // above what the guest has sent.
        var host = HostSession.greeted(next: 1)
        _ = host.take(1...3)
        _ = host.connected(at: 10)
        let answer = host.greeted(greeting(epochA, 1, first: 1, next: 8), at: 11).answer
        #expect(answer?.received == 8 && host.counters.guestsRestored == 1)
        #expect(host.received(epochA, 4, bytes: 10, at: 12).verdict == .discard)
        #expect(host.greeted(greeting(epochB, 1, first: 1, next: 8), at: 13).answer?.received == 0)
        #expect(host.received(epochB, 1, bytes: 10, at: 14).verdict == .store)
    }

    @Test func aHostThatWasGivenMoreThanTheGuestHasMakesItBeginAnotherEpoch() {
        // The row is not safe yet, so K does not show it.
        var host = HostSession.greeted(next: 1)
        _ = host.received(epochA, 1, bytes: 10, at: 1)
        _ = host.connected(at: 10)
        let answer = host.greeted(greeting(epochA, 2, first: 1, next: 1), at: 11).answer
        #expect(answer?.received == 1)
    }
}
