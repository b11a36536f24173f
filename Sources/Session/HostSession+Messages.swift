/// What has a number, and what becomes of it.
extension HostSession {
    /// A message with a number came.
    ///
    /// - Parameters:
    ///   - epoch: the message's.
    ///   - number: the message's.
    ///   - bytes: its frame's.
    ///   - milliseconds: now, on a monotonic clock.
    public mutating func received(
        _ epoch: SessionEpoch, _ number: UInt64, bytes: Int, at milliseconds: UInt64
    ) -> Actions {
        advance(to: milliseconds)
        var actions = Actions()
        guard !awaitsGreeting, isGreeted else {
            counters.discarded += 1
            actions.verdict = .discard
            return actions
        }
        let last = records.count - 1
        guard 1 <= number, number <= SessionLimits.numberMax else {
            counters.refused += 1
            actions.verdict = .discard
            return actions
        }
        guard epoch == records[last].epoch else {
            counters.otherEpochs += 1
            return jumped()
        }
        guard number <= records[last].accepted + 1 else { return jumped() }
        noteUntold(bytes)
        guard number == records[last].accepted + 1 else {
            counters.duplicates += 1
            // A guest that sends what is told as received has not heard it, or was restored from a
            // snapshot: it is told again.
            if number <= told { told = number - 1 }
            actions.verdict = .duplicate
            actions.acknowledges = acknowledgement()
            return actions
        }
        records[last].accepted = number
        counters.messagesStored += 1
        passGaps()
        // What may be due waits for the store: an ack now would end just before this message.
        actions.verdict = .store
        actions.storesThrough = records[last].accepted
        return actions
    }

    private mutating func jumped() -> Actions {
        counters.jumps += 1
        var actions = request()
        actions.verdict = .discard
        return actions
    }

    /// `skipped` came: the guest declares these numbers lost.
    public mutating func skipped(
        _ epoch: SessionEpoch, _ range: SessionRange, at milliseconds: UInt64
    ) -> Actions {
        advance(to: milliseconds)
        guard !awaitsGreeting, isGreeted else {
            counters.discarded += 1
            return .none
        }
        let last = records.count - 1
        guard epoch == records[last].epoch, range.to <= SessionLimits.numberMax else {
            counters.otherEpochs += 1
            return jumped()
        }
        // Numbers before it are missing.
        guard range.from <= records[last].accepted + 1 else { return jumped() }
        var actions = Actions()
        if range.to > records[last].accepted {
            counters.numbersPassed &+= range.to - records[last].accepted
            records[last].accepted = range.to
            passGaps()
            actions.storesThrough = records[last].accepted
        }
        noteUntold(0)
        actions.acknowledges = acknowledgement()
        return actions
    }

    private mutating func noteUntold(_ bytes: Int) {
        untoldBytes += bytes
        if untoldSince == nil { untoldSince = latest }
    }

    // MARK: The store

    /// Every row given to the store up to `number`, and that number as K, is safe.
    public mutating func stored(
        _ epoch: SessionEpoch, through number: UInt64, at milliseconds: UInt64
    ) -> Actions {
        advance(to: milliseconds)
        // An epoch that was forgotten meanwhile has nobody left to hear of it.
        guard let index = records.firstIndex(where: { $0.epoch == epoch }) else { return .none }
        // An epoch that was forgotten and came back meanwhile may hear of more than it was given.
        records[index].received = max(records[index].received, number)
        records[index].accepted = max(records[index].accepted, number)
        var actions = Actions()
        actions.acknowledges = acknowledgement()
        return actions
    }

    /// The store lost what it was given after K: it has to come again.
    public mutating func storeFailed(_ epoch: SessionEpoch, at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        guard let index = records.firstIndex(where: { $0.epoch == epoch }) else { return .none }
        records[index].accepted = records[index].received
        let isCurrent = isGreeted && index == records.count - 1
        return isCurrent ? request() : .none
    }

    /// The number to acknowledge, if one is due: after 64 messages, 100 ms or half the window, and
    /// never above what is safe.
    mutating func acknowledgement() -> UInt64? {
        guard isGreeted, let untoldSince, let record = records.last, record.received > told else {
            return nil
        }
        let isDue =
            record.accepted - told >= SessionLimits.acknowledgeMessagesMax
            || untoldBytes >= windowBytes / 2
            || latest >= untoldSince + SessionLimits.acknowledgeMilliseconds
        guard isDue else { return nil }
        told = record.received
        counters.acknowledgements += 1
        // While more waits for the store, it is told as soon as it is safe: rather too often.
        if record.accepted == record.received {
            untoldBytes = 0
            self.untoldSince = nil
        }
        return told
    }
}
