/// What the host says.
extension GuestSession {
    /// `handshake_request` came.
    public mutating func greetingRequested(at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        // A request can lie in the pipe from a host that has left. The next one is greeted when it
        // arrives.
        guard isPresent else {
            counters.requestsWhileAbsent += 1
            return .none
        }
        guard state != .rolledBack else { return .none }
        return greet()
    }

    /// `handshake_ack` came.
    public mutating func answered(_ answer: SessionAnswer, at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        guard answer.epoch == epoch else {
            counters.answersOfOtherEpochs += 1
            return .none
        }
        guard answer.session == session else {
            counters.answersOfOtherSessions += 1
            return .none
        }
        switch state {
        case .absent, .rolledBack:
            counters.answersWhileAbsent += 1
            return .none
        case .acknowledged:
            counters.answersRepeated += 1
            guard answer.acknowledges else { return .none }
            var actions = acknowledged(epoch, through: answer.received, at: milliseconds)
            for known in answer.spooled ?? [] {
                releaseEarlier(known.epoch, through: known.received, &actions)
            }
            return actions
        case .greeting, .plain, .observer: break
        }
        hasSeenAnswer = true
        isPlainRemembered = false
        patience = SessionLimits.progressMilliseconds
        guard answer.acknowledges else {
            state = .observer
            return .none
        }
        guard answer.received <= knowable else { return rollBack() }
        if answer.received < acknowledgedNumber { counters.hostsBehind += 1 }
        setWindow(answer.windowBytes)
        state = .acknowledged
        progressAt = latest
        var actions = release(through: answer.received)
        takeEarlier(answer.spooled, &actions)
        return actions
    }

    /// `ack` came.
    public mutating func acknowledged(
        _ epoch: SessionEpoch, through number: UInt64, at milliseconds: UInt64
    ) -> Actions {
        advance(to: milliseconds)
        guard epoch == self.epoch else { return acknowledgedEarlier(epoch, through: number) }
        guard state != .observer, state != .rolledBack else {
            counters.acknowledgementsUnexpected += 1
            return .none
        }
        guard number <= knowable else { return rollBack() }
        guard number > acknowledgedNumber else {
            counters.acknowledgementsStale += 1
            return .none
        }
        progressAt = latest
        return release(through: number)
    }

    private mutating func acknowledgedEarlier(
        _ epoch: SessionEpoch, through number: UInt64
    ) -> Actions {
        guard earlier.contains(where: { $0.epoch == epoch }) else {
            counters.acknowledgementsOfOtherEpochs += 1
            return .none
        }
        guard state != .observer, state != .rolledBack else {
            counters.acknowledgementsUnexpected += 1
            return .none
        }
        var actions = Actions()
        if releaseEarlier(epoch, through: number, &actions) {
            progressAt = latest
        } else {
            counters.acknowledgementsStale += 1
        }
        return actions
    }

    private mutating func setWindow(_ asked: UInt64) {
        let range = SessionLimits.windowBytesMin...SessionLimits.windowBytesMax
        let clamped = min(max(Int(clamping: asked), range.lowerBound), range.upperBound)
        if UInt64(clamped) != asked { counters.windowsClamped += 1 }
        windowBytes = clamped
    }

    private mutating func release(through number: UInt64) -> Actions {
        var actions = Actions()
        acknowledgedNumber = max(acknowledgedNumber, number)
        while kept.first <= number, kept.count > 0 {
            let hasLeft = kept.first < leaving
            let entry = kept.removeFirst()
            if hasLeft, !entry.isGivenUp { inFlightBytes -= Int(entry.bytes) }
            if !entry.isGivenUp { counters.messagesAcknowledged += 1 }
            actions.releasedBytes += Int(entry.bytes)
            actions.releasedMessages += 1
        }
        leaving = max(leaving, kept.first)
        kept.forgetGaps(through: acknowledgedNumber)
        assert(inFlightBytes >= 0)
        return actions
    }

    // MARK: A snapshot

    private mutating func rollBack() -> Actions {
        counters.rollbacks += 1
        state = .rolledBack
        var actions = Actions()
        actions.needsEpoch = true
        return actions
    }

    /// A message that was kept and gets a number of the new epoch.
    public struct Renumbering: Equatable, Sendable {
        public var oldNumber: UInt64
        public var newNumber: UInt64
        public var messageClass: MessageClass
        /// Bytes of the frame with the old number.
        public var oldBytes: Int
        /// Whether it was given up: its bytes are passed over, and it gets no number.
        public var isGivenUp: Bool
    }

    /// Begins another epoch and renumbers everything kept: after ``Actions/needsEpoch``, or because
    /// the generation of the virtual machine changed.
    ///
    /// - Parameters:
    ///   - epoch: 128 fresh random bits, not from a generator that a snapshot restores.
    ///   - milliseconds: now, on a monotonic clock.
    ///   - rewrite: called for every message kept, in order. It writes the frame anew with its new
    ///     number, the new epoch and `forked_from`, and returns the bytes it takes. What it returns
    ///     for a message given up is ignored.
    /// - Returns: what to do once all are rewritten. The ring holds nothing else then.
    public mutating func renewEpoch(
        _ epoch: SessionEpoch, at milliseconds: UInt64, rewrite: (Renumbering) -> Int
    ) -> Actions {
        precondition(epoch != self.epoch, "an epoch is never used twice")
        advance(to: milliseconds)
        let old = kept
        kept = KeptNumbers()
        for number in old.first..<old.next {
            let entry = old[number]
            let bytes = rewrite(
                Renumbering(
                    oldNumber: number, newNumber: kept.next, messageClass: entry.messageClass,
                    oldBytes: Int(entry.bytes), isGivenUp: entry.isGivenUp))
            guard !entry.isGivenUp else { continue }
            precondition(bytes <= Int(entry.bytes) + SessionLimits.forkBytesMax, "it grew too much")
            _ = kept.append(entry.messageClass, bytes: bytes)
        }
        forkedFrom = self.epoch
        self.epoch = epoch
        session = 0
        acknowledgedNumber = 0
        knowable = 0
        leaving = 1
        inFlightBytes = 0
        rewindEarlier()
        if durableThrough != nil { durableThrough = 0 }
        state = .absent
        patience = SessionLimits.progressMilliseconds
        return isPresent ? greet() : .none
    }
}
