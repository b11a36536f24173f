import Session

let epochA = SessionEpoch(high: 0xA, low: 1)
let epochB = SessionEpoch(high: 0xB, low: 2)

extension GuestSession {
    /// The answer that a host of this session gives.
    func answer(
        received: UInt64 = 0, windowBytes: UInt64 = 262_144, acknowledges: Bool = true
    ) -> SessionAnswer {
        SessionAnswer(
            epoch: epoch, session: session, received: received, windowBytes: windowBytes,
            acknowledges: acknowledges)
    }

    /// One that a host has greeted and that it acknowledges.
    static func acknowledged(windowBytes: UInt64 = 262_144) -> GuestSession {
        var session = GuestSession(epoch: epochA)
        _ = session.hostArrived(at: 0)
        _ = session.answered(session.answer(windowBytes: windowBytes), at: 1)
        return session
    }

    /// Gives messages numbers and lets them leave.
    ///
    /// - Returns: the numbers that left.
    @discardableResult
    mutating func send(
        _ count: Int, _ messageClass: MessageClass = .metrics, bytes: Int = 100, at now: UInt64 = 1
    ) -> [UInt64] {
        var left: [UInt64] = []
        for _ in 0..<count {
            guard case .numbered = admission(of: messageClass, at: now) else { break }
            enter(messageClass, bytes: bytes)
            left += leave(at: now)
        }
        return left
    }

    /// - Returns: the numbers of all frames that may leave.
    mutating func leave(at now: UInt64 = 1) -> [UInt64] {
        var left: [UInt64] = []
        while case .frame(let number, _)? = nextDeparture(at: now) { left.append(number) }
        return left
    }
}

extension HostSession {
    /// One that is connected, with the first handshake of `epoch` answered.
    static func greeted(
        _ epoch: SessionEpoch = epochA, windowBytes: Int = 262_144, stored: UInt64 = 0,
        next: UInt64 = 1000
    ) -> HostSession {
        let known = stored == 0 ? [] : [StoredEpoch(epoch: epoch, received: stored)]
        var host = HostSession(windowBytes: windowBytes, stored: known)
        _ = host.connected(at: 0)
        _ = host.greeted(greeting(epoch, 1, first: 1, next: next), at: 0)
        return host
    }

    /// Numbers that come in order and are stored at once.
    ///
    /// - Returns: the acks that were sent.
    mutating func take(
        _ numbers: ClosedRange<UInt64>, bytes: Int = 100, at now: UInt64 = 0
    ) -> [UInt64] {
        var told: [UInt64] = []
        for number in numbers {
            let actions = received(epochA, number, bytes: bytes, at: now)
            if let ack = actions.acknowledges { told.append(ack) }
            guard let through = actions.storesThrough else { continue }
            if let ack = stored(epochA, through: through, at: now).acknowledges { told.append(ack) }
        }
        return told
    }
}

func greeting(
    _ epoch: SessionEpoch, _ session: UInt64, first: UInt64, next: UInt64,
    gaps: [SessionRange] = []
) -> SessionGreeting {
    SessionGreeting(epoch: epoch, session: session, first: first, next: next, gaps: gaps)
}
