import DequeModule

/// What a spool on disk adds: numbers of earlier epochs, which leave first, and numbers that may
/// leave only once the medium has them.
extension GuestSession {
    /// What of the earlier epochs may leave next.
    public enum EarlierDeparture: Equatable, Sendable {
        /// This frame, as it stands in the spool.
        case frame(SessionEpoch, number: UInt64, bytes: Int)
        /// The control message `skipped`, between the frames before it and those behind it.
        case skipped(SessionEpoch, SessionRange)
    }

    /// Whether something of an earlier epoch is still to leave to this host. What has a number of
    /// this epoch waits for it.
    public var hasEarlierToLeave: Bool {
        !earlier.isEmpty && takesEarlier && earlier.contains { $0.hasToLeave }
    }

    /// Messages and ranges of earlier epochs that are not acknowledged.
    public var earlierMessages: Int { earlier.reduce(0) { $0 + $1.entries.count } }

    var hasEarlierInFlight: Bool { !earlier.isEmpty && earlier.contains { $0.left > 0 } }

    /// The next thing of an earlier epoch that may leave, in order, which counts as in flight from
    /// now on; `nil` when nothing may.
    public mutating func nextEarlierDeparture(at milliseconds: UInt64) -> EarlierDeparture? {
        advance(to: milliseconds)
        guard state == .acknowledged, takesEarlier,
            let place = earlier.firstIndex(where: { $0.hasToLeave })
        else { return nil }
        let bytes = earlier[place].entries[earlier[place].left].bytes
        guard inFlightBytes == 0 || inFlightBytes + bytes <= windowBytes else {
            counters.departuresHeld += 1
            return nil
        }
        if !hasUnacknowledged { progressAt = latest }
        let entry = earlier[place].leaveNext()
        inFlightBytes += bytes
        let epoch = earlier[place].epoch
        guard bytes > 0 else {
            return .skipped(epoch, SessionRange(from: entry.from, to: entry.to))
        }
        counters.messagesOfEarlierEpochs += 1
        return .frame(epoch, number: entry.from, bytes: bytes)
    }

    /// What a handshake_ack says of the earlier epochs. A host that says nothing does not know of
    /// them: to it such a number is a jump, which it would answer with a handshake_request without
    /// end. They wait for another host.
    mutating func takeEarlier(
        _ received: [HostSession.StoredEpoch]?, _ actions: inout Actions
    ) {
        guard !earlier.isEmpty else { return }
        guard let received else {
            counters.hostsWithoutSpool += 1
            return
        }
        takesEarlier = true
        for known in received {
            releaseEarlier(known.epoch, through: known.received, &actions)
        }
    }

    /// A number above all that are here is no sign of a snapshot: the life that gave it may have
    /// gone on without a spool.
    ///
    /// - Returns: whether something was released.
    @discardableResult
    mutating func releaseEarlier(
        _ epoch: SessionEpoch, through number: UInt64, _ actions: inout Actions
    ) -> Bool {
        guard let place = earlier.firstIndex(where: { $0.epoch == epoch }) else { return false }
        guard number >= earlier[place].first else { return false }
        let before = earlier[place].inFlightBytes
        counters.messagesAcknowledged += UInt64(earlier[place].release(through: number))
        inFlightBytes -= before - earlier[place].inFlightBytes
        if earlier[place].isEmpty {
            actions.finishedEpochs.append(epoch)
            earlier.remove(at: place)
        }
        return true
    }

    mutating func rewindEarlier() {
        takesEarlier = false
        for place in earlier.indices { earlier[place].rewind() }
    }

    // MARK: The medium

    /// Everything up to `number` is on the medium, or has to do without it.
    public mutating func madeDurable(_ epoch: SessionEpoch, through number: UInt64) {
        guard let durableThrough, epoch == self.epoch else { return }
        self.durableThrough = max(durableThrough, min(number, kept.next - 1))
    }

    /// Bytes that have a number and wait for the medium.
    public var undurableBytes: Int {
        guard let durableThrough else { return 0 }
        var bytes = 0
        var number = max(durableThrough + 1, kept.first)
        while number < kept.next {
            bytes += Int(kept[number].bytes)
            number += 1
        }
        return bytes
    }

    /// Messages that have a number and wait for the medium.
    public var undurableMessages: Int {
        guard let durableThrough else { return 0 }
        return Int(kept.next - max(min(durableThrough + 1, kept.next), kept.first))
    }

    /// Numbers that were given up, that nobody has acknowledged, and that are not kept any more: a
    /// medium that is begun anew has to know of them.
    public var givenUpBeforeKept: SessionRange? {
        guard acknowledgedNumber + 1 < kept.first else { return nil }
        return SessionRange(from: acknowledgedNumber + 1, to: kept.first - 1)
    }

    /// All that is kept, in order, to be written to another medium.
    public func forEachKept(_ body: (UInt64, MessageClass, _ bytes: Int) -> Void) {
        for number in kept.first..<kept.next {
            body(number, kept[number].messageClass, Int(kept[number].bytes))
        }
    }

    /// Whether another number may be given although not all before have left: those wait for the
    /// medium, which takes many as fast as one.
    var isAheadOfMedium: Bool {
        guard let durableThrough, leaving > durableThrough else { return false }
        return undurableBytes < SessionLimits.undurableBytesMax
    }
}
