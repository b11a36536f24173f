import Session
import Testing

/// What a spool adds to both halves: numbers that wait for the medium, and earlier epochs.
@Suite struct SpoolSessionTests {
    private func spooled(_ numbers: [UInt64], bytes: Int = 100) -> SpooledNumbers {
        var spooled = SpooledNumbers(epochB)
        for number in numbers { spooled.append(number, bytes: bytes) }
        return spooled
    }

    private func guest(
        _ numbers: [UInt64], received: UInt64?, bytes: Int = 100, windowBytes: UInt64 = 262_144
    ) -> (GuestSession, GuestSession.Actions) {
        var session = GuestSession(
            epoch: epochA, awaitsMedium: true, earlier: [spooled(numbers, bytes: bytes)])
        _ = session.hostArrived(at: 0)
        var answer = session.answer(windowBytes: windowBytes)
        answer.spooled = received.map { [.init(epoch: epochB, received: $0)] }
        let actions = session.answered(answer, at: 1)
        return (session, actions)
    }

    @Test func aNumberLeavesOnceItIsOnTheMedium() {
        var (session, _) = guest([], received: nil)
        #expect(session.admission(of: .result, at: 1) == .numbered(1))
        session.enter(.result, bytes: 100)
        #expect(session.leave().isEmpty)
        // Others get theirs meanwhile, for one write takes many.
        #expect(session.admission(of: .metrics, at: 1) == .numbered(2))
        session.enter(.metrics, bytes: 40_000)
        #expect(session.admission(of: .result, at: 1) == .wait, "what waits is bounded")
        session.madeDurable(epochB, through: 2)
        #expect(session.leave().isEmpty)
        session.madeDurable(epochA, through: 1)
        #expect(session.leave() == [1])
        session.madeDurable(epochA, through: 2)
        #expect(session.leave() == [2])
    }

    @Test func earlierEpochsLeaveFirstFromWhatTheHostHas() {
        var (session, actions) = guest([4, 5, 8], received: 4)
        #expect(actions.finishedEpochs.isEmpty && session.hasEarlierToLeave)
        #expect(session.admission(of: .result, at: 1) == .wait)
        #expect(
            session.nextEarlierDeparture(at: 1) == .frame(epochB, number: 5, bytes: 100))
        #expect(
            session.nextEarlierDeparture(at: 1)
                == .skipped(epochB, SessionRange(from: 6, to: 7)))
        #expect(
            session.nextEarlierDeparture(at: 1) == .frame(epochB, number: 8, bytes: 100))
        #expect(session.nextEarlierDeparture(at: 1) == nil && session.inFlightBytes == 200)
        #expect(session.admission(of: .result, at: 1) == .numbered(1))
        #expect(session.acknowledged(epochB, through: 7, at: 2).finishedEpochs.isEmpty)
        #expect(session.inFlightBytes == 100)
        #expect(session.acknowledged(epochB, through: 8, at: 3).finishedEpochs == [epochB])
        #expect(session.inFlightBytes == 0 && session.deadlineMilliseconds == nil)
        #expect(session.earlier.isEmpty)
    }

    @Test func aHostThatHasEverythingGetsNothing() {
        let (session, actions) = guest([4, 5], received: 9)
        #expect(actions.finishedEpochs == [epochB] && !session.hasEarlierToLeave)
    }

    @Test func aHostThatDoesNotKnowOfThemGetsNoneAndTheNextOneDoes() {
        var (session, _) = guest([4, 5], received: nil)
        #expect(!session.hasEarlierToLeave && session.nextEarlierDeparture(at: 1) == nil)
        #expect(session.admission(of: .metrics, at: 1) == .numbered(1))
        #expect(session.counters.hostsWithoutSpool == 1)
        let greeting = session.hostArrived(at: 10).greeting
        #expect(greeting?.spooled == [SpooledRange(epoch: epochB, first: 4, next: 6)])
        var answer = session.answer()
        answer.spooled = []
        _ = session.answered(answer, at: 11)
        #expect(session.hasEarlierToLeave)
    }

    @Test func earlierEpochsStayWithinTheWindowAndLeaveAgainInANewSession() {
        var (session, _) = guest([1, 2, 3], received: 0, bytes: 3000, windowBytes: 4096)
        #expect(session.nextEarlierDeparture(at: 1) != nil)
        #expect(session.nextEarlierDeparture(at: 1) == nil)
        // Nothing moves for five seconds.
        #expect(session.deadlineMilliseconds == 5001)
        #expect(session.tick(at: 5001).greeting?.spooled.first?.first == 1)
        var answer = session.answer(windowBytes: 4096)
        answer.spooled = [.init(epoch: epochB, received: 1)]
        _ = session.answered(answer, at: 5002)
        #expect(
            session.nextEarlierDeparture(at: 1) == .frame(epochB, number: 2, bytes: 3000))
    }

    // MARK: The host

    private func greeted(_ spooled: [SpooledRange]) -> (HostSession, HostSession.Actions) {
        var host = HostSession(stored: [.init(epoch: epochB, received: 4)])
        _ = host.connected(at: 0)
        var offer = greeting(epochA, 1, first: 1, next: 1)
        offer.spooled = spooled
        let actions = host.greeted(offer, at: 0)
        return (host, actions)
    }

    @Test func theHostSaysWhatItHasAndTakesWhatComes() {
        var (host, actions) = greeted([SpooledRange(epoch: epochB, first: 3, next: 9)])
        #expect(actions.answer?.spooled == [.init(epoch: epochB, received: 4)])
        #expect(host.received(epochB, 4, bytes: 10, at: 1).verdict == .duplicate)
        let five = host.received(epochB, 5, bytes: 10, at: 1)
        #expect(five.verdict == .store && five.storesThrough == nil)
        #expect(five.earlier == [.init(epochB, storesThrough: 5)])
        let passed = host.skipped(epochB, SessionRange(from: 6, to: 7), at: 2)
        #expect(passed.earlier.contains(.init(epochB, storesThrough: 7)))
        #expect(host.received(epochA, 1, bytes: 10, at: 2).storesThrough == 1)
        #expect(host.received(epochB, 8, bytes: 10, at: 3).verdict == .store)
        _ = host.stored(epochB, through: 8, at: 4)
        _ = host.stored(epochA, through: 1, at: 4)
        let told = host.tick(at: 200)
        #expect(told.acknowledges == 1 && told.earlier == [.init(epochB, acknowledges: 8)])
        #expect(host.deadlineMilliseconds == nil)
        // A number ahead of what is there is a jump, in any epoch.
        #expect(host.received(epochB, 12, bytes: 10, at: 201).requestsGreeting)
    }

    @Test func anEpochThatIsNotListedIsAJump() {
        var (host, actions) = greeted([])
        #expect(actions.answer?.spooled == nil)
        #expect(host.received(epochB, 5, bytes: 10, at: 1).requestsGreeting)
    }

    @Test func whatTheSpoolNoLongerHasIsLost() {
        let (_, actions) = greeted([SpooledRange(epoch: epochB, first: 8, next: 9)])
        #expect(
            actions.earlier
                == [.init(epochB, storesThrough: 7, lost: SessionRange(from: 5, to: 7))])
    }

    @Test func nonsenseIsRefusedAndBounded() {
        let epochs = (0..<20).map { SessionEpoch(high: 5, low: UInt64($0)) }
        var list = epochs.map { SpooledRange(epoch: $0, first: 1, next: 3) }
        list.append(SpooledRange(epoch: epochA, first: 1, next: 3))
        list.append(SpooledRange(epoch: epochs[0], first: 1, next: 3))
        let (host, actions) = greeted(list)
        #expect(actions.answer?.spooled?.count == SessionLimits.earlierEpochsMax)
        #expect(host.epochs.count == SessionLimits.epochsMax && host.lastEpoch == epochA)
        #expect(host.counters.refused == 15)
    }
}
