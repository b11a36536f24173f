import Session
import Testing

/// Protocol, "Numbers", "Acknowledgement", "Window" and "Memory".
@Suite struct GuestNumbersTests {
    @Test func numbersAreOneTwoThreeInTheOrderOnTheWire() {
        var session = GuestSession.acknowledged()
        #expect(session.admission(of: .result, at: 1) == .numbered(1))
        #expect(session.enter(.result, bytes: 10) == 1)
        // Nothing else gets a number before this one has left.
        #expect(session.admission(of: .result, at: 1) == .wait)
        #expect(session.nextDeparture(at: 1) == .frame(number: 1, bytes: 10))
        #expect(session.send(2, .event) == [2, 3])
        #expect(session.send(1, .metrics) == [4])
        #expect(session.first == 1 && session.next == 5)
    }

    @Test func aNewSessionResendsFromTheNumberAfterK() {
        var session = GuestSession.acknowledged()
        session.send(10)
        session.hostLeft(at: 2)
        let greeting = session.hostArrived(at: 3).greeting
        #expect(greeting?.first == 1 && greeting?.next == 11)
        let actions = session.answered(session.answer(received: 4), at: 4)
        #expect(actions.releasedMessages == 4 && actions.releasedBytes == 400)
        // What is kept goes first, then what is new.
        #expect(session.admission(of: .result, at: 4) == .wait)
        #expect(session.leave() == [5, 6, 7, 8, 9, 10])
        #expect(session.counters.messagesResent == 6)
        #expect(session.admission(of: .result, at: 4) == .numbered(11))
    }

    @Test func aHostThatKnowsLessGetsWhatIsStillKept() {
        var session = GuestSession.acknowledged()
        session.send(5)
        _ = session.acknowledged(epochA, through: 3, at: 2)
        #expect(session.hostArrived(at: 3).greeting?.first == 4)
        _ = session.answered(session.answer(received: 1), at: 4)
        #expect(session.leave() == [4, 5])
        #expect(session.counters.hostsBehind == 1)
    }

    @Test func anAcknowledgementIsCumulativeAndOneBelowIsIgnored() {
        var session = GuestSession.acknowledged()
        session.send(6, bytes: 50)
        let actions = session.acknowledged(epochA, through: 4, at: 2)
        #expect(actions.releasedMessages == 4 && actions.releasedBytes == 200)
        #expect(session.inFlightBytes == 100 && session.acknowledgedNumber == 4)
        #expect(session.acknowledged(epochA, through: 4, at: 3) == .none)
        #expect(session.acknowledged(epochA, through: 2, at: 3) == .none)
        #expect(session.counters.acknowledgementsStale == 2)
        #expect(session.first == 5 && session.keptMessages == 2)
    }

    @Test func anAcknowledgementOfAnotherEpochIsIgnoredAndCounted() {
        var session = GuestSession.acknowledged()
        session.send(3)
        #expect(session.acknowledged(epochB, through: 3, at: 2) == .none)
        #expect(session.acknowledged(epochB, through: 300, at: 2) == .none)
        #expect(session.counters.acknowledgementsOfOtherEpochs == 2)
        #expect(session.keptMessages == 3 && session.state == .acknowledged)
    }

    @Test func anAcknowledgementDuringTheHandshakeCounts() {
        var session = GuestSession.acknowledged()
        session.send(3)
        _ = session.greetingRequested(at: 2)
        #expect(session.acknowledged(epochA, through: 2, at: 3).releasedMessages == 2)
        _ = session.answered(session.answer(received: 1), at: 4)
        #expect(session.leave() == [3])
    }

    @Test func whatIsAcknowledgedWhileItIsResentDoesNotLeaveAgain() {
        var session = GuestSession.acknowledged(windowBytes: 4096)
        #expect(session.send(3, bytes: 1300) == [1, 2, 3])
        _ = session.hostArrived(at: 2)
        _ = session.answered(session.answer(windowBytes: 4096), at: 3)
        #expect(session.nextDeparture(at: 3) == .frame(number: 1, bytes: 1300))
        #expect(session.acknowledged(epochA, through: 2, at: 4).releasedMessages == 2)
        #expect(session.inFlightBytes == 0)
        #expect(session.leave() == [3])
    }

    @Test func aRepeatedAnswerCountsAsAnAcknowledgement() {
        var session = GuestSession.acknowledged()
        session.send(3)
        let actions = session.answered(session.answer(received: 2), at: 2)
        #expect(actions.releasedMessages == 2 && !actions.rewinds)
        #expect(session.counters.answersRepeated == 1 && session.leave().isEmpty)
    }

    @Test func unacknowledgedBytesStayUnderTheWindow() {
        var session = GuestSession.acknowledged(windowBytes: 10_000)
        #expect(session.send(20, bytes: 3000) == [1, 2, 3])
        #expect(session.inFlightBytes == 9000 && session.next == 5)
        #expect(session.counters.departuresHeld > 0)
        _ = session.acknowledged(epochA, through: 1, at: 2)
        #expect(session.leave() == [4])
    }

    @Test func oneFrameMayAlwaysBeInFlightHoweverLong() {
        var session = GuestSession.acknowledged(windowBytes: 4096)
        #expect(session.send(1, bytes: SessionLimits.numberedFrameBytesMax) == [1])
        #expect(session.admission(of: .result, at: 1) == .wait)
        _ = session.acknowledged(epochA, through: 1, at: 2)
        #expect(session.send(1, bytes: 100) == [2])
        // Behind another one a long frame waits.
        #expect(session.send(1, bytes: 5000) == [])
    }

    @Test(arguments: [(0, 4096), (UInt64.max, 1_048_576), (70_000, 70_000)])
    func theHostsWindowIsClamped(_ asked: UInt64, _ taken: Int) {
        let session = GuestSession.acknowledged(windowBytes: asked)
        #expect(session.windowBytes == taken)
        #expect(session.counters.windowsClamped == (asked == 70_000 ? 0 : 1))
    }

    @Test func inFlightAndNoProgressForFiveSecondsIsANewSession() {
        var session = GuestSession.acknowledged()
        #expect(session.deadlineMilliseconds == nil)
        session.send(2, at: 1000)
        #expect(session.tick(at: 5999) == .none)
        // Bytes that the port takes are progress, and so is an acknowledgement.
        session.departed(bytes: 100, at: 5999)
        #expect(session.tick(at: 10_998) == .none)
        _ = session.acknowledged(epochA, through: 1, at: 10_998)
        #expect(session.deadlineMilliseconds == 15_998)
        let actions = session.tick(at: 15_998)
        #expect(actions.rewinds && actions.greeting?.session == 2 && actions.greeting?.first == 2)
        #expect(session.counters.sessionsWithoutProgress == 1 && session.inFlightBytes == 0)
    }

    @Test func nothingInFlightNeedsNoProgress() {
        var session = GuestSession.acknowledged()
        session.send(2, at: 10)
        _ = session.acknowledged(epochA, through: 2, at: 20)
        #expect(session.deadlineMilliseconds == nil && session.tick(at: 1_000_000) == .none)
    }

    @Test func keptNumbersAreBounded() {
        var session = GuestSession.acknowledged(windowBytes: 1_048_576)
        let left = session.send(20_000, bytes: 20)
        #expect(left.count == SessionLimits.keptNumbersMax)
        #expect(session.admission(of: .result, at: 1) == .wait)
        _ = session.acknowledged(epochA, through: 1, at: 2)
        #expect(session.admission(of: .result, at: 1) == .numbered(8193))
    }

    // MARK: Gaps

    @Test func metricsGivenUpAreAGapInTheHandshakeUntilAcknowledged() {
        var session = GuestSession.acknowledged()
        session.send(2, .metrics)
        session.send(1, .result)
        session.send(3, .metrics)
        session.hostLeft(at: 2)
        let actions = session.giveUpMetrics(bytes: 250)
        // The two before the result can be let go of; the one behind it stays in its place.
        #expect(actions.releasedMessages == 2 && actions.releasedBytes == 200)
        #expect(session.counters.messagesGivenUp == 3)
        let gaps = [SessionRange(from: 1, to: 2), SessionRange(from: 4, to: 4)]
        let greeting = session.hostArrived(at: 3).greeting
        #expect(greeting?.gaps == gaps && greeting?.first == 3)
        #expect(session.hostArrived(at: 4).greeting?.gaps == gaps)
        _ = session.answered(session.answer(received: 2), at: 5)
        #expect(session.gaps == [gaps[1]])
        #expect(session.nextDeparture(at: 5) == .frame(number: 3, bytes: 100))
        #expect(session.isSkipNext)
        #expect(
            session.nextDeparture(at: 5) == .skipped(SessionRange(from: 4, to: 4), bytes: 100))
        #expect(session.leave() == [5, 6])
        #expect(session.acknowledged(epochA, through: 6, at: 6).releasedMessages == 4)
        #expect(session.gaps.isEmpty && session.keptMessages == 0 && session.inFlightBytes == 0)
    }

    @Test func whatIsInFlightIsNotGivenUp() {
        var session = GuestSession.acknowledged()
        session.send(3)
        #expect(session.giveUpMetrics(bytes: 1000) == .none && session.gaps.isEmpty)
    }

    @Test func whatIsGivenUpDuringTheHandshakeIsToldAtItsPlace() {
        var session = GuestSession.acknowledged()
        session.send(3)
        _ = session.greetingRequested(at: 2)
        #expect(session.giveUpMetrics(bytes: 150) == .none)
        _ = session.answered(session.answer(), at: 3)
        #expect(
            session.nextDeparture(at: 3) == .skipped(SessionRange(from: 1, to: 2), bytes: 200))
        #expect(session.leave() == [3])
        // The host passes over them, and acknowledges what it passed.
        #expect(session.acknowledged(epochA, through: 2, at: 4).releasedMessages == 2)
    }

    @Test func resultsAndEventsAreNeverGivenUp() {
        var session = GuestSession.acknowledged()
        session.send(2, .result)
        session.send(2, .event)
        session.hostLeft(at: 2)
        #expect(session.giveUpMetrics(bytes: 1_000_000) == .none && session.gaps.isEmpty)
        #expect(session.keptMessages == 4 && session.counters.messagesGivenUp == 0)
    }

    @Test func aHostMayKnowOfAGapThatNeverLeft() {
        var session = GuestSession.acknowledged()
        session.enter(.metrics, bytes: 100)
        session.hostLeft(at: 2)
        #expect(session.giveUpMetrics(bytes: 1).releasedMessages == 1)
        _ = session.hostArrived(at: 3)
        #expect(!session.answered(session.answer(received: 1), at: 4).needsEpoch)
        #expect(session.state == .acknowledged && session.gaps.isEmpty)
        #expect(session.admission(of: .metrics, at: 4) == .numbered(2))
    }

    @Test func gapsAreBounded() {
        var session = GuestSession.acknowledged()
        for _ in 0..<100 {
            session.send(1, .metrics)
            session.send(1, .result)
        }
        session.hostLeft(at: 2)
        _ = session.giveUpMetrics(bytes: 1_000_000)
        #expect(session.gaps.count == SessionLimits.gapsMax)
        #expect(session.counters.messagesGivenUp == 64)
    }
}
