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
        guard 1 <= number, number <= SessionLimits.numberMax else {
            counters.refused += 1
            actions.verdict = .discard
            return actions
        }
        guard let place = place(of: epoch) else {
            counters.otherEpochs += 1
            return jumped()
        }
        guard number <= records[place].accepted + 1 else { return jumped() }
        noteUntold(place, bytes)
        guard number == records[place].accepted + 1 else {
            counters.duplicates += 1
            // A guest that sends what is told as received has not heard it, or was restored from a
            // snapshot: it is told again.
            if number <= records[place].told { records[place].told = number - 1 }
            actions.verdict = .duplicate
            acknowledge(place, &actions)
            return actions
        }
        records[place].accepted = number
        counters.messagesStored += 1
        if isCurrent(place) { passGaps() }
        // What may be due waits for the store: an ack now would end just before this message.
        actions.verdict = .store
        store(place, &actions)
        return actions
    }

    /// The record of an epoch whose numbers may come on this connection.
    private func place(of epoch: SessionEpoch) -> Int? {
        if let last = records.last, last.epoch == epoch { return records.count - 1 }
        return records.firstIndex { $0.epoch == epoch && $0.isSpooled }
    }

    private func isCurrent(_ place: Int) -> Bool { place == records.count - 1 }

    /// K goes to the store as it stands.
    private func store(_ place: Int, _ actions: inout Actions) {
        let through = records[place].accepted
        if isCurrent(place) {
            actions.storesThrough = through
        } else {
            actions.earlier.append(
                EarlierActions(records[place].epoch, storesThrough: through))
        }
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
        guard let place = place(of: epoch), range.to <= SessionLimits.numberMax else {
            counters.otherEpochs += 1
            return jumped()
        }
        // Numbers before it are missing.
        guard range.from <= records[place].accepted + 1 else { return jumped() }
        var actions = Actions()
        if range.to > records[place].accepted {
            counters.numbersPassed &+= range.to - records[place].accepted
            records[place].accepted = range.to
            if isCurrent(place) { passGaps() }
            store(place, &actions)
        }
        noteUntold(place, 0)
        acknowledge(place, &actions)
        return actions
    }

    private mutating func noteUntold(_ place: Int, _ bytes: Int) {
        records[place].untoldBytes += bytes
        if records[place].untoldSince == nil { records[place].untoldSince = latest }
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
        if isHeard(index) { acknowledge(index, &actions) }
        return actions
    }

    /// The store lost what it was given after K: it has to come again.
    public mutating func storeFailed(_ epoch: SessionEpoch, at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        guard let index = records.firstIndex(where: { $0.epoch == epoch }) else { return .none }
        let hasLost = records[index].accepted > records[index].received
        records[index].accepted = records[index].received
        guard isHeard(index), isCurrent(index) || hasLost else { return .none }
        return request()
    }

    /// Acknowledges, if it is due: after 64 messages, 100 ms or half the window, and never above
    /// what is safe.
    mutating func acknowledge(_ index: Int, _ actions: inout Actions) {
        let record = records[index]
        guard let untoldSince = record.untoldSince, record.received > record.told else { return }
        let isDue =
            record.accepted - record.told >= SessionLimits.acknowledgeMessagesMax
            || record.untoldBytes >= windowBytes / 2
            || latest >= untoldSince + SessionLimits.acknowledgeMilliseconds
        guard isDue else { return }
        records[index].told = record.received
        counters.acknowledgements += 1
        // While more waits for the store, it is told as soon as it is safe: rather too often.
        if record.accepted == record.received {
            records[index].untoldBytes = 0
            records[index].untoldSince = nil
        }
        if isCurrent(index) {
            actions.acknowledges = record.received
        } else {
            actions.earlier.append(
                EarlierActions(record.epoch, acknowledges: record.received))
        }
    }
}
