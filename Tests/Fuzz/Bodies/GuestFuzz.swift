import Session

/// The guest's half under any order of events, wired to a cursor as its documentation says.
struct GuestFuzz {
    private var session: GuestSession
    private var cursor = RingCursor()
    private var now: UInt64 = 0
    private var epochs: [SessionEpoch] = [SessionEpoch(high: 0, low: 1)]
    /// Bytes by number, of this epoch: they never change.
    private var fixed: [UInt64: Int] = [:]
    /// Those of them that carry `forked_from` already, and do not grow again.
    private var forked: Set<UInt64> = []
    /// The last number that left in this session.
    private var lastLeft: UInt64 = 0
    private var answersSeen = 0

    static func run(_ input: [UInt8]) {
        var events = EventBytes(input)
        var fuzz = GuestFuzz(requiresAcknowledgement: events.bool())
        var count = 0
        while !events.isEmpty, count < 4000 {
            fuzz.step(&events)
            fuzz.check()
            count += 1
        }
    }

    private init(requiresAcknowledgement: Bool) {
        session = GuestSession(
            epoch: epochs[0], requiresAcknowledgement: requiresAcknowledgement)
    }

    private mutating func step(_ events: inout EventBytes) {
        switch events.choice(14) {
        case 0: perform(session.hostArrived(at: now))
        case 1: session.hostLeft(at: now)
        case 2: perform(session.greetingRequested(at: now))
        case 3: perform(session.answered(answer(&events), at: now))
        case 4: perform(session.answered(honestAnswer, at: now))
        case 5:
            let number = events.number(around: session.nextToLeave - 1)
            perform(session.acknowledged(epoch(&events), through: number, at: now))
        case 6:
            perform(session.acknowledged(session.epoch, through: lastLeft, at: now))
        case 7:
            now += UInt64(events.short())
            perform(session.tick(at: now))
        case 8:
            now += UInt64(events.byte())
            // A clock that goes backwards counts as one that stands.
            perform(session.tick(at: events.bool() ? now : now / 2))
        case 9, 10: enter(&events)
        case 11: depart()
        case 12:
            let bytes = min(cursor.leavingBytes, events.short())
            cursor.send(bytes)
            session.departed(bytes: bytes, at: now)
        default: perform(session.giveUpMetrics(bytes: events.short()))
        }
    }

    private mutating func epoch(_ events: inout EventBytes) -> SessionEpoch {
        switch events.choice(4) {
        case 0: SessionEpoch(high: 9, low: UInt64(events.byte()))
        case 1: epochs[events.choice(epochs.count)]
        default: session.epoch
        }
    }

    private var honestAnswer: SessionAnswer {
        SessionAnswer(
            epoch: session.epoch, session: session.session,
            received: max(session.acknowledgedNumber, session.first - 1), windowBytes: 65_536)
    }

    private mutating func answer(_ events: inout EventBytes) -> SessionAnswer {
        SessionAnswer(
            epoch: epoch(&events),
            session: events.choice(4) == 0 ? UInt64(events.byte()) : session.session,
            received: events.number(around: session.next - 1),
            windowBytes: events.number(around: UInt64(events.short())),
            acknowledges: events.choice(4) != 0)
    }

    private mutating func enter(_ events: inout EventBytes) {
        let kinds: [MessageClass] = [.control, .result, .event, .metrics, .metrics, .metrics]
        let kind = kinds[events.choice(kinds.count)]
        let answering = events.bool() ? session.session : nil
        let admission = session.admission(of: kind, answering: answering, at: now)
        guard case .numbered(let number) = admission else {
            if case .unnumbered = admission, kind != .control {
                promise(session.state == .plain || session.state == .observer, "\(session.state)")
            }
            return
        }
        promise(session.state == .acknowledged && kind != .control, "a number for \(kind)")
        promise(number == session.next, "number \(number) and not \(session.next)")
        let size = events.choice(16) == 0 ? SessionLimits.numberedFrameBytesMax : 1
        let bytes = max(size, min(SessionLimits.numberedFrameBytesMax, 1 + events.short()))
        promise(session.enter(kind, bytes: bytes) == number, "another number than was promised")
        cursor.append(bytes)
        fixed[number] = bytes
        forked.remove(number)
    }

    private mutating func depart() {
        while cursor.mayGrant {
            if session.isSkipNext, !cursor.isAtFrameStart { return }
            guard let departure = session.nextDeparture(at: now) else { return }
            switch departure {
            case .frame(let number, let bytes):
                promise(number > lastLeft && number > session.acknowledgedNumber, "out of order")
                promise(fixed[number] == bytes, "number \(number) has other bytes now")
                lastLeft = number
                cursor.grant(bytes)
            case .skipped(let range, let bytes):
                promise(range.from > lastLeft, "skips what has left")
                lastLeft = range.to
                cursor.pass(bytes)
            }
        }
    }

    private mutating func perform(_ actions: GuestSession.Actions) {
        cursor.release(actions.releasedBytes)
        if actions.rewinds { cursor.rewind() }
        if let greeting = actions.greeting {
            promise(greeting.session == session.session, "greets for another session")
            promise(1 <= greeting.first && greeting.first <= greeting.next, "\(greeting)")
            promise(greeting.gaps.allSatisfy { $0.to < greeting.next }, "\(greeting)")
            lastLeft = greeting.first - 1
        }
        guard actions.needsEpoch else { return }
        let epoch = SessionEpoch(high: 0, low: UInt64(epochs.count + 1))
        epochs.append(epoch)
        cursor = RingCursor()
        var sizes: [Int] = []
        let (old, isForked) = (fixed, forked)
        let next = session.renewEpoch(epoch, at: now) { renumbering in
            promise(old[renumbering.oldNumber] == renumbering.oldBytes, "other bytes")
            guard !renumbering.isGivenUp else { return 0 }
            let growth = isForked.contains(renumbering.oldNumber) ? 0 : 49
            sizes.append(renumbering.oldBytes + growth)
            promise(Int(renumbering.newNumber) == sizes.count, "numbers from 1 on")
            return renumbering.oldBytes + growth
        }
        fixed = Dictionary(uniqueKeysWithValues: sizes.enumerated().map { (UInt64($0 + 1), $1) })
        forked = Set(fixed.keys)
        for size in sizes { cursor.append(size) }
        lastLeft = 0
        perform(next)
    }

    private func check() {
        promise(session.first <= session.nextToLeave, "first \(session.first)")
        promise(session.nextToLeave <= session.next, "next \(session.next)")
        promise(session.acknowledgedNumber < session.next, "acknowledged what has no number")
        if session.keptMessages > 0 {
            promise(session.acknowledgedNumber < session.first, "keeps what is acknowledged")
        }
        promise(session.keptMessages == Int(session.next - session.first), "not contiguous")
        promise(session.keptBytes == Int(cursor.written - cursor.target), "the ring differs")
        promise(session.keptMessages <= SessionLimits.keptNumbersMax, "too many numbers")
        let keptMax = SessionLimits.keptBytesMax + SessionLimits.renumberingBytesMax
        promise(session.keptBytes <= keptMax, "too many bytes")
        promise(session.gaps.count <= SessionLimits.gapsMax, "too many gaps")
        for (one, other) in zip(session.gaps, session.gaps.dropFirst()) {
            promise(one.to + 1 < other.from, "gaps out of order")
        }
        let window = SessionLimits.windowBytesMin...SessionLimits.windowBytesMax
        promise(window.contains(session.windowBytes), "a window of \(session.windowBytes)")
        let isOne = session.inFlightBytes <= SessionLimits.frameBytesMax
        promise(session.inFlightBytes >= 0, "less than nothing in flight")
        promise(session.inFlightBytes <= session.windowBytes || isOne, "over the window")
        if session.state == .plain { promise(session.keptMessages == 0, "plain, and keeps") }
        if session.requiresAcknowledgement { promise(session.state != .plain, "fell back") }
        if let deadline = session.deadlineMilliseconds { promise(deadline > 0, "no deadline") }
    }
}
