/// What gets a number, and what leaves.
extension GuestSession {
    /// Whether a message may be fixed and sent now.
    public enum Admission: Equatable, Sendable {
        /// Not now: it stays in its queue.
        case wait
        /// It leaves without a number, and is not kept.
        case unnumbered
        /// It gets this number, by ``GuestSession/enter(_:bytes:)`` once it is encoded.
        case numbered(UInt64)
    }

    /// - Parameters:
    ///   - messageClass: of the message.
    ///   - answeredSession: for a result, the ``session`` in which its command came: an observer
    ///     gets the answers to its own commands.
    ///   - milliseconds: now, on a monotonic clock.
    public func admission(
        of messageClass: MessageClass, answering answeredSession: UInt64? = nil,
        at milliseconds: UInt64
    ) -> Admission {
        if messageClass == .control { return isPresent ? .unnumbered : .wait }
        switch state {
        case .absent, .greeting, .rolledBack: return .wait
        case .acknowledged:
            // A number is given only when everything before has left, so that a result which
            // comes next waits for one frame at most. A new session first resends what is kept.
            let ahead = inFlightBytes + undurableBytes
            let hasRoom = ahead == 0 || ahead < windowBytes
            guard mayEnter, hasRoom, !kept.isFull else { return .wait }
            return .numbered(kept.next)
        case .plain:
            let isFree = messageClass == .metrics || max(latest, milliseconds) >= plainResultsAt
            return isFree ? .unnumbered : .wait
        case .observer:
            return messageClass == .result && answeredSession == session ? .unnumbered : .wait
        }
    }

    private var mayEnter: Bool {
        !hasEarlierToLeave && (leaving == kept.next || isAheadOfMedium)
    }

    /// A message was encoded with the number that ``admission(of:answering:at:)`` gave, behind all
    /// others in the ring. From here on its bytes are fixed.
    ///
    /// - Parameters:
    ///   - messageClass: of the message.
    ///   - bytes: its frame's, with the newline; at most ``SessionLimits/numberedFrameBytesMax``.
    /// - Returns: its number.
    @discardableResult
    public mutating func enter(_ messageClass: MessageClass, bytes: Int) -> UInt64 {
        precondition(state == .acknowledged && mayEnter, "nothing was admitted")
        precondition(messageClass != .control, "control carries no number")
        precondition(bytes <= SessionLimits.numberedFrameBytesMax, "no room to renumber it")
        precondition(!kept.isFull, "more is kept than the limit allows")
        return kept.append(messageClass, bytes: bytes)
    }

    /// What may leave next.
    public enum Departure: Equatable, Sendable {
        /// The next frame of the ring, in full: `RingCursor.grant`.
        case frame(number: UInt64, bytes: Int)
        /// The control message `skipped` with this range, at this place: once everything granted
        /// has left, it is sent, and `bytes` of the ring are passed over: `RingCursor.pass`.
        case skipped(SessionRange, bytes: Int)
    }

    /// The next thing that may leave, which counts as in flight from now on; `nil` when nothing
    /// may.
    public mutating func nextDeparture(at milliseconds: UInt64) -> Departure? {
        advance(to: milliseconds)
        guard state == .acknowledged, leaving < kept.next, !hasEarlierToLeave else { return nil }
        if !hasUnacknowledged { progressAt = latest }
        let entry = kept[leaving]
        if entry.isGivenUp { return skip() }
        if let durableThrough, leaving > durableThrough { return nil }
        let bytes = Int(entry.bytes)
        guard inFlightBytes == 0 || inFlightBytes + bytes <= windowBytes else {
            counters.departuresHeld += 1
            return nil
        }
        let number = leaving
        inFlightBytes += bytes
        leaving += 1
        if number <= knowable { counters.messagesResent += 1 }
        knowable = max(knowable, number)
        return .frame(number: number, bytes: bytes)
    }

    /// Whether the next departure is a `skipped`, which needs its place in the stream.
    public var isSkipNext: Bool {
        state == .acknowledged && leaving < kept.next && !hasEarlierToLeave
            && kept[leaving].isGivenUp
    }

    private mutating func skip() -> Departure {
        let from = leaving
        var bytes = 0
        while leaving < kept.next, kept[leaving].isGivenUp {
            bytes += Int(kept[leaving].bytes)
            leaving += 1
        }
        knowable = max(knowable, leaving - 1)
        return .skipped(SessionRange(from: from, to: leaving - 1), bytes: bytes)
    }

    /// The port took bytes of what departed. That is progress: a frame of 1 MiB may take a slow
    /// host more than five seconds, and cutting it off would only begin it again.
    public mutating func departed(bytes: Int, at milliseconds: UInt64) {
        advance(to: milliseconds)
        if bytes > 0, state == .acknowledged { progressAt = latest }
    }

    /// Declares metrics that have numbers lost, the oldest first, until `bytes` are given up. In
    /// flight in this session they cannot be taken back; results and events never are given up.
    ///
    /// Room comes only where nothing that is kept stands before: the ring is released from its
    /// start. No write of the ring may be in flight.
    public mutating func giveUpMetrics(bytes: Int) -> Actions {
        let isUnderWay = state == .acknowledged
        let given = kept.giveUpMetrics(from: isUnderWay ? leaving : kept.first, bytes: bytes)
        counters.messagesGivenUp += UInt64(given)
        var actions = Actions()
        // A host that has a handshake without these gaps is told of them at their place.
        guard !isUnderWay, state != .greeting else { return actions }
        let released = kept.releaseGivenUp()
        leaving = max(leaving, kept.first)
        actions.releasedBytes = released.bytes
        actions.releasedMessages = released.messages
        return actions
    }
}
