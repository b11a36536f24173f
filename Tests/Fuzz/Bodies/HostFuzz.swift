import Session

/// The host's half under any order of events from a guest that lies, and a store that is slow or
/// fails: nothing is told as received that is not safe, nothing is stored twice or out of order.
struct HostFuzz {
    private var session: HostSession
    private var now: UInt64 = 0
    /// What the store has, by epoch.
    private var safe: [SessionEpoch: UInt64] = [:]
    /// What the store was given, in order.
    private var waiting: [(epoch: SessionEpoch, through: UInt64)] = []
    private var lastGiven: [SessionEpoch: UInt64] = [:]

    static func run(_ input: [UInt8]) {
        var events = EventBytes(input)
        var fuzz = HostFuzz(&events)
        var count = 0
        while !events.isEmpty, count < 4000 {
            fuzz.step(&events)
            fuzz.forget()
            fuzz.check()
            count += 1
        }
    }

    private init(_ events: inout EventBytes) {
        var stored: [HostSession.StoredEpoch] = []
        for place in 0..<events.choice(4) {
            let received = UInt64(events.byte())
            let epoch = SessionEpoch(high: 0, low: UInt64(place))
            stored.append(HostSession.StoredEpoch(epoch: epoch, received: received))
            safe[epoch] = received
        }
        session = HostSession(windowBytes: 4096, stored: stored)
    }

    private mutating func step(_ events: inout EventBytes) {
        switch events.choice(13) {
        case 0: perform(session.connected(at: now))
        case 1: session.disconnected()
        case 2: session.greetedPlainly()
        case 3: greet(greeting(&events))
        case 4: greet(honestGreeting)
        case 5:
            let number = events.number(around: expected)
            receive(epoch(&events), number, bytes: events.short())
        case 6, 7: receive(session.epoch ?? epoch(&events), expected, bytes: events.short())
        case 8:
            let from = events.number(around: expected)
            let to = max(from, events.number(around: expected))
            let range = SessionRange(from: from, to: to)
            perform(session.skipped(epoch(&events), range, at: now))
        case 9, 10: store(1 + events.choice(5))
        case 11: failStore()
        default:
            now += UInt64(events.short())
            perform(session.tick(at: now))
        }
    }

    private mutating func epoch(_ events: inout EventBytes) -> SessionEpoch {
        let random = SessionEpoch(high: 0, low: UInt64(events.byte() & 15))
        return events.choice(3) == 0 ? random : session.epoch ?? random
    }

    /// The number that comes next, as far as this side knows.
    private var expected: UInt64 {
        guard let epoch = session.epoch else { return 1 }
        return max(lastGiven[epoch] ?? 0, safe[epoch] ?? 0) + 1
    }

    private var honestGreeting: SessionGreeting {
        let epoch = session.epoch ?? SessionEpoch(high: 0, low: 1)
        return SessionGreeting(
            epoch: epoch, session: now + 1, first: expected, next: expected + 1000)
    }

    private mutating func greeting(_ events: inout EventBytes) -> SessionGreeting {
        var gaps: [SessionRange] = []
        for _ in 0..<events.choice(5) {
            let from = events.number(around: expected)
            gaps.append(SessionRange(from: from, to: max(from, events.number(around: from))))
        }
        return SessionGreeting(
            epoch: epoch(&events), session: events.number(around: 1),
            first: events.number(around: expected), next: events.number(around: expected + 10),
            gaps: gaps)
    }

    private mutating func greet(_ greeting: SessionGreeting) {
        now += 1
        let restored = session.counters.guestsRestored
        let known = session.epochs.first { $0.epoch == greeting.epoch }?.received ?? 0
        let actions = session.greeted(greeting, at: now)
        if let answer = actions.answer {
            promise(answer.epoch == greeting.epoch, "answers another epoch")
            promise(answer.session == greeting.session, "answers another session")
            if session.counters.guestsRestored == restored {
                promise(answer.received == known, "tells \(answer.received), knows \(known)")
                promise(answer.received <= safe[greeting.epoch] ?? 0, "tells what is not safe")
            }
        }
        perform(actions)
    }

    private mutating func receive(_ epoch: SessionEpoch, _ number: UInt64, bytes: Int) {
        let isAwaited = session.awaitsGreeting
        let actions = session.received(epoch, number, bytes: bytes, at: now)
        if actions.verdict == .store {
            promise(!isAwaited, "stores what comes before a handshake")
            promise(epoch == session.epoch, "stores what is of another epoch")
            promise(number > max(lastGiven[epoch] ?? 0, safe[epoch] ?? 0), "stores a row twice")
            promise(actions.storesThrough.map { $0 >= number } ?? false, "a row without its K")
        }
        perform(actions)
    }

    private mutating func perform(_ actions: HostSession.Actions) {
        if let through = actions.storesThrough, let epoch = session.epoch {
            promise(through > max(lastGiven[epoch] ?? 0, safe[epoch] ?? 0), "K goes back")
            lastGiven[epoch] = through
            waiting.append((epoch, through))
        }
        if let number = actions.acknowledges {
            guard let epoch = session.epoch else { fatalError("broken: acks for nobody") }
            promise(number <= safe[epoch] ?? 0, "acknowledges \(number), which is not safe")
        }
    }

    private mutating func store(_ count: Int) {
        for _ in 0..<min(count, waiting.count) {
            let next = waiting.removeFirst()
            safe[next.epoch] = max(safe[next.epoch] ?? 0, next.through)
            perform(session.stored(next.epoch, through: next.through, at: now))
        }
    }

    /// Everything that waited for one epoch is lost.
    private mutating func failStore() {
        guard let epoch = waiting.first?.epoch else { return }
        waiting.removeAll { $0.epoch == epoch }
        lastGiven[epoch] = safe[epoch] ?? 0
        perform(session.storeFailed(epoch, at: now))
    }

    /// What the session forgot may come again, and is as good as new then.
    private mutating func forget() {
        let known = Set(session.epochs.map(\.epoch))
        safe = safe.filter { known.contains($0.key) }
        lastGiven = lastGiven.filter { known.contains($0.key) }
    }

    private func check() {
        promise(session.epochs.count <= SessionLimits.epochsMax, "too many epochs")
        for known in session.epochs {
            promise(known.received <= safe[known.epoch] ?? 0, "knows more than the store")
        }
        if let deadline = session.deadlineMilliseconds { promise(deadline > 0, "no deadline") }
    }
}
