import Session
import Testing

/// Protocol, "Waiting" and "Observers".
@Suite struct GuestWaitingTests {
    @Test func aHostThatArrivesIsGreetedWithTheSession() {
        var session = GuestSession(epoch: epochA)
        #expect(session.state == .absent && session.deadlineMilliseconds == nil)
        let actions = session.hostArrived(at: 100)
        #expect(session.state == .greeting && actions.rewinds)
        #expect(
            actions.greeting
                == SessionGreeting(epoch: epochA, session: 1, first: 1, next: 1, gaps: []))
    }

    @Test func theSessionCountsHandshakesWithinTheEpoch() {
        var session = GuestSession(epoch: epochA)
        #expect(session.hostArrived(at: 0).greeting?.session == 1)
        #expect(session.greetingRequested(at: 1).greeting?.session == 2)
        session.hostLeft(at: 2)
        #expect(session.hostArrived(at: 3).greeting?.session == 3)
        #expect(session.counters.greetings == 3)
    }

    @Test func untilTheAnswerComesNothingWithANumberLeaves() {
        var session = GuestSession.acknowledged()
        #expect(session.send(3) == [1, 2, 3])
        session.hostLeft(at: 10)
        #expect(session.admission(of: .result, at: 10) == .wait)
        _ = session.hostArrived(at: 20)
        #expect(session.nextDeparture(at: 20) == nil)
        for messageClass in [MessageClass.result, .event, .metrics] {
            #expect(session.admission(of: messageClass, at: 20) == .wait)
        }
        #expect(session.admission(of: .control, at: 20) == .unnumbered)
        _ = session.answered(session.answer(), at: 21)
        #expect(session.leave() == [1, 2, 3])
    }

    @Test func withoutAnAnswerWithinTwoSecondsTheHostIsAPlainOne() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 1000)
        #expect(session.deadlineMilliseconds == 3000)
        #expect(session.tick(at: 2999) == .none && session.state == .greeting)
        #expect(session.tick(at: 3000) == .none && session.state == .plain)
        #expect(session.counters.fallbacksToPlain == 1)
        #expect(session.admission(of: .metrics, at: 3000) == .unnumbered)
    }

    @Test func resultsWaitTenSecondsMoreAndThenGoUnnumbered() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        for messageClass in [MessageClass.result, .event] {
            #expect(session.admission(of: messageClass, at: 11_999) == .wait)
            #expect(session.admission(of: messageClass, at: 12_000) == .unnumbered)
        }
        #expect(session.deadlineMilliseconds == 12_000)
        _ = session.tick(at: 12_000)
        #expect(session.deadlineMilliseconds == nil)
    }

    @Test func thePlainModeIsRememberedSoThatReconnectsDoNotWait() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        session.hostLeft(at: 20_000)
        #expect(session.admission(of: .metrics, at: 20_000) == .wait)
        let actions = session.hostArrived(at: 20_001)
        #expect(actions.greeting?.session == 2)
        #expect(session.admission(of: .metrics, at: 20_001) == .unnumbered)
        #expect(session.admission(of: .result, at: 20_001) == .unnumbered)
    }

    @Test func aLateAnswerForTheCurrentSessionIsAccepted() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        _ = session.answered(session.answer(), at: 60_000)
        #expect(session.state == .acknowledged)
        #expect(session.admission(of: .metrics, at: 60_000) == .numbered(1))
    }

    @Test func onceAnAnswerWasSeenTheAgentNeverFallsBack() {
        var session = GuestSession.acknowledged()
        session.hostLeft(at: 10)
        _ = session.hostArrived(at: 20)
        #expect(session.deadlineMilliseconds == 5020)
        #expect(session.tick(at: 4000) == .none && session.state == .greeting)
        let actions = session.tick(at: 5020)
        #expect(actions.greeting?.session == 3 && session.state == .greeting)
        // Each unanswered handshake doubles the patience, up to a minute.
        #expect(session.deadlineMilliseconds == 15_020)
        for _ in 0..<10 { _ = session.tick(at: session.deadlineMilliseconds!) }
        let before = session.deadlineMilliseconds!
        _ = session.tick(at: before)
        #expect(session.deadlineMilliseconds! - before == 60_000)
        #expect(session.counters.fallbacksToPlain == 0)
        #expect(session.counters.greetingsUnanswered == 12)
    }

    @Test func requiredAcknowledgementNeverFallsBackEither() {
        var session = GuestSession(epoch: epochA, requiresAcknowledgement: true)
        _ = session.hostArrived(at: 0)
        _ = session.tick(at: 2000)
        #expect(session.state == .greeting)
        #expect(session.tick(at: 5000).greeting?.session == 2)
        #expect(session.admission(of: .metrics, at: 5000) == .wait)
    }

    @Test func anAnswerForAnotherEpochOrSessionIsIgnoredAndCounted() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        _ = session.greetingRequested(at: 1)
        var answer = session.answer()
        answer.session = 1
        #expect(session.answered(answer, at: 2) == .none && session.state == .greeting)
        answer.session = 2
        answer.epoch = epochB
        #expect(session.answered(answer, at: 2) == .none && session.state == .greeting)
        #expect(session.counters.answersOfOtherSessions == 1)
        #expect(session.counters.answersOfOtherEpochs == 1)
    }

    @Test func anAnswerOrARequestFromAHostThatHasLeftIsIgnoredAndCounted() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        session.hostLeft(at: 1)
        #expect(session.answered(session.answer(), at: 2) == .none)
        #expect(session.greetingRequested(at: 2) == .none && session.state == .absent)
        #expect(session.counters.answersWhileAbsent == 1)
        #expect(session.counters.requestsWhileAbsent == 1)
    }

    @Test func anObserverGetsControlAndTheAnswersToItsOwnCommands() {
        var session = GuestSession.acknowledged()
        session.send(2)
        _ = session.hostArrived(at: 10)
        _ = session.answered(session.answer(acknowledges: false), at: 11)
        #expect(session.state == .observer && session.session == 2)
        #expect(session.admission(of: .control, at: 12) == .unnumbered)
        #expect(session.admission(of: .result, answering: 2, at: 12) == .unnumbered)
        #expect(session.admission(of: .result, answering: 1, at: 12) == .wait)
        #expect(session.admission(of: .result, at: 12) == .wait)
        #expect(session.admission(of: .metrics, at: 12) == .wait)
        #expect(session.nextDeparture(at: 12) == nil && session.keptMessages == 2)
        #expect(session.acknowledged(epochA, through: 2, at: 13) == .none)
        #expect(session.counters.acknowledgementsUnexpected == 1 && session.keptMessages == 2)
        // The numbered frames were waiting for their host.
        _ = session.hostArrived(at: 20)
        _ = session.answered(session.answer(), at: 21)
        #expect(session.leave() == [1, 2])
    }

    @Test func aClockThatRunsBackwardsCountsAsStandingStill() {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 10_000)
        _ = session.tick(at: 5)
        #expect(session.deadlineMilliseconds == 12_000)
        _ = session.tick(at: 12_000)
        #expect(session.state == .plain)
    }
}
