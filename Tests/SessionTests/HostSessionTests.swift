import Session
import Testing

/// Protocol, "Jumps" and "The host"; "Acknowledgement" from the host's side.
@Suite struct HostSessionTests {
    @Test func everyConnectAsksForTheHandshake() {
        var host = HostSession()
        #expect(host.connected(at: 0).requestsGreeting)
        host.disconnected()
        #expect(host.deadlineMilliseconds == nil)
        #expect(host.connected(at: 1).requestsGreeting)
    }

    @Test func aHandshakeThatDoesNotComeIsAskedForAgain() {
        var host = HostSession()
        _ = host.connected(at: 0)
        #expect(host.deadlineMilliseconds == 5000)
        #expect(!host.tick(at: 4999).requestsGreeting)
        #expect(host.tick(at: 5000).requestsGreeting)
        #expect(host.deadlineMilliseconds == 15_000)
        host.greetedPlainly()
        #expect(host.deadlineMilliseconds == nil)
    }

    @Test func eachHandshakeIsAnsweredWithK() {
        var host = HostSession(
            windowBytes: 65_536, stored: [.init(epoch: epochA, received: 7)])
        _ = host.connected(at: 0)
        let answer = host.greeted(greeting(epochA, 3, first: 5, next: 12), at: 1).answer
        #expect(
            answer
                == SessionAnswer(epoch: epochA, session: 3, received: 7, windowBytes: 65_536))
        let again = host.greeted(greeting(epochA, 4, first: 5, next: 12), at: 2).answer
        #expect(again?.session == 4 && again?.received == 7)
    }

    @Test func kIsKeptByEpochAndANewEpochBeginsAtZero() {
        var host = HostSession.greeted(next: 1)
        _ = host.take(1...5)
        #expect(host.greeted(greeting(epochB, 1, first: 1, next: 1), at: 1).answer?.received == 0)
        #expect(host.received(epochB, 1, bytes: 10, at: 1).verdict == .store)
        #expect(
            host.epochs
                == [.init(epoch: epochA, received: 5), .init(epoch: epochB, received: 0)])
    }

    @Test func theLastEightEpochsOfAGuestAreKept() {
        var host = HostSession()
        _ = host.connected(at: 0)
        for number in UInt64(1)...20 {
            let epoch = SessionEpoch(high: number, low: 0)
            _ = host.greeted(greeting(epoch, 1, first: 1, next: 1), at: 1)
            #expect(host.epochs.count == min(Int(number), SessionLimits.epochsMax))
        }
        #expect(host.epochs.map(\.epoch.high) == Array(13...20))
        #expect(host.counters.epochsForgotten == 12)
        // What the store still says of one that was forgotten harms nobody.
        let forgotten = SessionEpoch(high: 1, low: 0)
        #expect(host.stored(forgotten, through: 9, at: 2) == .none)
    }

    @Test func whatTheHostHasIsDropped() {
        var host = HostSession.greeted(stored: 3)
        #expect(host.received(epochA, 2, bytes: 10, at: 1).verdict == .duplicate)
        #expect(host.received(epochA, 4, bytes: 10, at: 1).verdict == .store)
        #expect(host.received(epochA, 4, bytes: 10, at: 1).verdict == .duplicate)
        #expect(host.counters.duplicates == 2 && host.counters.messagesStored == 1)
    }

    @Test func aGuestThatSendsWhatWasAcknowledgedIsToldAgain() {
        var host = HostSession.greeted(stored: 3)
        _ = host.received(epochA, 3, bytes: 10, at: 1)
        #expect(host.tick(at: 101).acknowledges == 3)
        #expect(host.tick(at: 300).acknowledges == nil)
    }

    // MARK: Acknowledgements

    @Test func nothingIsAcknowledgedBeforeItIsStored() {
        var host = HostSession.greeted()
        for number in UInt64(1)...200 {
            let actions = host.received(epochA, number, bytes: 5000, at: 0)
            #expect(actions.verdict == .store && actions.storesThrough == number)
            #expect(actions.acknowledges == nil)
        }
        #expect(host.tick(at: 10_000).acknowledges == nil)
        #expect(host.stored(epochA, through: 150, at: 10_000).acknowledges == 150)
        #expect(host.stored(epochA, through: 200, at: 10_001).acknowledges == 200)
    }

    @Test func sixtyFourMessagesAreAcknowledgedAtTheLatest() {
        var host = HostSession.greeted()
        #expect(host.take(1...63).isEmpty)
        #expect(host.take(64...64) == [64])
        #expect(host.take(65...128) == [128])
        #expect(host.counters.acknowledgements == 2)
    }

    @Test func aMessageIsAcknowledgedAfterATenthOfASecondAtTheLatest() {
        var host = HostSession.greeted()
        #expect(host.deadlineMilliseconds == nil)
        #expect(host.take(1...1, at: 50).isEmpty)
        #expect(host.take(2...2, at: 90).isEmpty)
        #expect(host.deadlineMilliseconds == 150)
        #expect(host.tick(at: 149).acknowledges == nil)
        #expect(host.tick(at: 150).acknowledges == 2)
        #expect(host.deadlineMilliseconds == nil && host.tick(at: 500).acknowledges == nil)
    }

    @Test func halfTheWindowIsAcknowledgedAtTheLatest() {
        var host = HostSession.greeted(windowBytes: 10_000)
        #expect(host.take(1...4, bytes: 1200).isEmpty)
        #expect(host.take(5...5, bytes: 1200) == [5])
    }

    @Test func afterAReconnectTheHandshakeComesBeforeAnyAcknowledgement() {
        var host = HostSession.greeted(next: 1)
        _ = host.received(epochA, 1, bytes: 10, at: 0)
        _ = host.connected(at: 10)
        #expect(host.stored(epochA, through: 1, at: 500).acknowledges == nil)
        #expect(host.greeted(greeting(epochA, 2, first: 1, next: 2), at: 501).answer?.received == 1)
    }

    @Test func whatTheStoreLostIsAskedForAgain() {
        var host = HostSession.greeted(next: 1)
        for number in UInt64(1)...3 { _ = host.received(epochA, number, bytes: 10, at: 0) }
        _ = host.stored(epochA, through: 1, at: 1)
        #expect(host.storeFailed(epochA, at: 2).requestsGreeting)
        #expect(host.received(epochA, 4, bytes: 10, at: 3).verdict == .discard)
        #expect(host.greeted(greeting(epochA, 2, first: 1, next: 5), at: 4).answer?.received == 1)
        #expect(host.received(epochA, 2, bytes: 10, at: 5).verdict == .store)
    }

    // MARK: Jumps

    @Test func onAJumpTheHostAsksAndDiscardsUntilTheNewHandshake() {
        var host = HostSession.greeted(next: 1)
        #expect(host.take(1...2).isEmpty)
        let jump = host.received(epochA, 4, bytes: 10, at: 1)
        #expect(jump.verdict == .discard && jump.requestsGreeting && host.awaitsGreeting)
        #expect(host.counters.jumps == 1)
        // Not even the number that was missing.
        let late = host.received(epochA, 3, bytes: 10, at: 2)
        #expect(late.verdict == .discard && !late.requestsGreeting)
        // What came before is acknowledged, and nothing past the jump.
        #expect(host.tick(at: 200).acknowledges == 2)
        let answer = host.greeted(greeting(epochA, 2, first: 1, next: 5), at: 201).answer
        #expect(answer?.received == 2)
        #expect(host.received(epochA, 3, bytes: 10, at: 202).verdict == .store)
    }

    @Test func anotherEpochThanTheHandshakesIsAJump() {
        var host = HostSession.greeted()
        let actions = host.received(epochB, 1, bytes: 10, at: 1)
        #expect(actions.verdict == .discard && actions.requestsGreeting)
        #expect(host.counters.otherEpochs == 1)
    }

    @Test func beforeAHandshakeNumberedMessagesAreDiscarded() {
        var host = HostSession(stored: [.init(epoch: epochA, received: 3)])
        _ = host.connected(at: 0)
        #expect(host.received(epochA, 4, bytes: 10, at: 1).verdict == .discard)
        #expect(host.skipped(epochA, SessionRange(from: 4, to: 9), at: 1) == .none)
        #expect(host.counters.discarded == 2)
    }

    @Test func aRangeDeclaredLostIsPassedOverAtItsPlace() {
        var host = HostSession.greeted()
        _ = host.take(1...2)
        let actions = host.skipped(epochA, SessionRange(from: 3, to: 6), at: 1)
        #expect(actions.storesThrough == 6 && host.counters.numbersPassed == 4)
        #expect(host.received(epochA, 7, bytes: 10, at: 1).verdict == .store)
        // Told again it changes nothing.
        #expect(host.skipped(epochA, SessionRange(from: 3, to: 6), at: 2).storesThrough == nil)
        #expect(host.counters.jumps == 0)
        // It is acknowledged once it is known to the store.
        #expect(host.stored(epochA, through: 7, at: 200).acknowledges == 7)
    }

    @Test func aSkippedRangeOutOfItsPlaceIsAJump() {
        var host = HostSession.greeted()
        let actions = host.skipped(epochA, SessionRange(from: 2, to: 3), at: 1)
        #expect(actions.requestsGreeting && actions.storesThrough == nil)
        #expect(host.awaitsGreeting)
    }

    @Test func gapsOfTheHandshakeArePassedOver() {
        var host = HostSession(stored: [.init(epoch: epochA, received: 4)])
        _ = host.connected(at: 0)
        let gaps = [SessionRange(from: 3, to: 5), SessionRange(from: 7, to: 8)]
        let actions = host.greeted(greeting(epochA, 2, first: 6, next: 12, gaps: gaps), at: 1)
        #expect(actions.storesThrough == 5 && actions.lost == nil)
        let six = host.received(epochA, 6, bytes: 10, at: 2)
        #expect(six.verdict == .store && six.storesThrough == 8)
        #expect(host.received(epochA, 9, bytes: 10, at: 2).verdict == .store)
        #expect(host.counters.numbersPassed == 3)
    }

    @Test func aHostBelowFirstMovesThereAndLogsTheLoss() {
        var host = HostSession(stored: [.init(epoch: epochA, received: 4)])
        _ = host.connected(at: 0)
        let gaps = [SessionRange(from: 6, to: 7)]
        let actions = host.greeted(greeting(epochA, 9, first: 10, next: 12, gaps: gaps), at: 1)
        #expect(actions.lost == SessionRange(from: 5, to: 9) && actions.storesThrough == 9)
        #expect(host.counters.numbersLost == 3 && host.counters.numbersPassed == 2)
        #expect(host.received(epochA, 10, bytes: 10, at: 2).verdict == .store)
    }

    // MARK: What a guest can try

    @Test func handshakesThatMakeNoSenseAreRefused() {
        var host = HostSession()
        _ = host.connected(at: 0)
        for (first, next) in [(0, 1), (5, 4), (1, UInt64.max)] as [(UInt64, UInt64)] {
            #expect(host.greeted(greeting(epochA, 1, first: first, next: next), at: 1) == .none)
        }
        #expect(host.counters.refused == 3 && host.epochs.isEmpty)
    }

    @Test func gapsAreBoundedAndHaveToBeInOrder() {
        var host = HostSession()
        _ = host.connected(at: 0)
        var gaps = (UInt64(1)...1000).map { SessionRange(from: $0 * 4, to: $0 * 4 + 1) }
        gaps.append(SessionRange(from: 2, to: 3))
        gaps.append(SessionRange(from: 5000, to: UInt64.max))
        _ = host.greeted(greeting(epochA, 1, first: 1, next: 5000, gaps: gaps), at: 1)
        #expect(host.counters.refused == 1002 - UInt64(SessionLimits.gapsMax))
    }

    @Test func hugeNumbersOverflowNothing() {
        var host = HostSession.greeted()
        for number in [UInt64(0), UInt64.max, SessionLimits.numberMax] {
            _ = host.received(epochA, number, bytes: 10, at: 1)
            _ = host.greeted(greeting(epochA, number, first: 1, next: 2), at: 1)
        }
        _ = host.skipped(epochA, SessionRange(from: 0, to: UInt64.max), at: 1)
        let last = SessionLimits.numberMax
        _ = host.greeted(greeting(epochB, 1, first: last, next: last), at: 2)
        _ = host.received(epochB, last, bytes: 10, at: 2)
        _ = host.received(epochB, last + 1, bytes: 10, at: 2)
        #expect(host.epochs.count == 2)
    }
}
