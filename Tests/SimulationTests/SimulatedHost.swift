import Session

/// A host: its session, a store that takes its time, and a disk that outlives it.
struct SimulatedHost {
    enum Role {
        case acknowledging
        case observer
        case plain
    }

    /// What the store has to write at once.
    private struct Pending {
        var epoch: SessionEpoch
        var through: UInt64
        var row: (number: UInt64, message: Ledger.Message)?
    }

    private(set) var session: HostSession
    private(set) var role = Role.acknowledging
    private var reader = LineReader()
    private var output: [UInt8] = []
    private var pending: [Pending] = []
    /// What is on the disk beside the rows, which the ledger has: K by epoch, the last one last.
    private var disk: [HostSession.StoredEpoch] = []
    /// K of the last handshake_ack: nothing at or below it may come again on this connection.
    private var answered: (epoch: SessionEpoch, received: UInt64)?
    private let bug: PlausibleBug?
    private(set) var isConnected = false
    /// An older host takes only the numbers of the epoch that greets it.
    private var knowsSpool = true

    init(bug: PlausibleBug?) {
        self.bug = bug
        session = HostSession()
    }

    var isIdle: Bool { pending.isEmpty && output.isEmpty }
    var pendingRows: Int { pending.count }

    // MARK: Connections

    mutating func connect(as role: Role, knowsSpool: Bool = true, at now: UInt64) {
        self.role = role
        self.knowsSpool = knowsSpool
        isConnected = true
        reader.reset()
        output = [0x0a]
        answered = nil
        if role == .acknowledging { perform(session.connected(at: now), at: now) }
        if role == .observer { output += SimulatedLine(.request, []).bytes }
    }

    mutating func disconnect() {
        isConnected = false
        session.disconnected()
        output = []
    }

    /// The process ends: what the store had not finished is gone.
    mutating func restart(windowBytes: Int) {
        isConnected = false
        pending = []
        output = []
        session = HostSession(windowBytes: windowBytes, stored: disk)
    }

    private mutating func perform(
        _ actions: HostSession.Actions, row: (number: UInt64, message: Ledger.Message)? = nil,
        at now: UInt64
    ) {
        if let through = actions.storesThrough, let epoch = session.epoch {
            pending.append(Pending(epoch: epoch, through: through, row: row))
            if bug == .acknowledgeBeforeStoring {
                perform(session.stored(epoch, through: through, at: now), at: now)
            }
        }
        for one in actions.earlier { perform(one, row: row, at: now) }
        if let answer = actions.answer {
            answered = (answer.epoch, answer.received)
            output += SimulatedLine(answer).bytes
        }
        if let number = actions.acknowledges, let epoch = session.epoch {
            output += SimulatedLine(.acknowledgement, epoch.values + [number]).bytes
        }
        if actions.requestsGreeting { output += SimulatedLine(.request, []).bytes }
    }

    private mutating func perform(
        _ actions: HostSession.EarlierActions, row: (number: UInt64, message: Ledger.Message)?,
        at now: UInt64
    ) {
        if let through = actions.storesThrough {
            pending.append(Pending(epoch: actions.epoch, through: through, row: row))
        }
        if let number = actions.acknowledges {
            output += SimulatedLine(.acknowledgement, actions.epoch.values + [number]).bytes
        }
    }

    // MARK: Turns

    mutating func tick(at now: UInt64) {
        if role == .acknowledging { perform(session.tick(at: now), at: now) }
    }

    /// - Parameter partly: only some of it: the host is about to go.
    mutating func write(_ port: inout SimulatedPort, partly: Bool = false) {
        guard !output.isEmpty else { return }
        let bytes = partly ? output.prefix(max(1, output.count / 2)) : output[...]
        output.removeFirst(port.hostWrite(bytes))
    }

    mutating func read(_ port: inout SimulatedPort, pieces: Int, at now: UInt64, _ ledger: Ledger) {
        for _ in 0..<pieces {
            let piece = port.hostRead()
            guard !piece.isEmpty else { return }
            var lines: [SimulatedLine] = []
            reader.take(piece) { line in
                guard let whole = SimulatedLine(line) else { return ledger.readHalf(line) }
                ledger.read(whole.kind)
                lines.append(whole)
            }
            for line in lines { take(line, at: now, ledger) }
        }
    }

    private mutating func take(_ line: SimulatedLine, at now: UInt64, _ ledger: Ledger) {
        guard role == .acknowledging else { return takeAsStranger(line) }
        switch line.kind {
        case .handshake: greet(line.greeting, at: now, ledger)
        case .numbered: takeNumbered(line, at: now, ledger)
        case .skipped:
            let range = SessionRange(from: line.values[2], to: line.values[3])
            perform(session.skipped(SessionEpoch(line.values[0...1]), range, at: now), at: now)
        case .unnumbered: break
        default: ledger.fail("a guest says \(line.kind)")
        }
        if session.epochs.count > SessionLimits.epochsMax { ledger.fail("too many epochs") }
    }

    private mutating func takeAsStranger(_ line: SimulatedLine) {
        guard role == .observer, line.kind == .handshake else { return }
        output +=
            SimulatedLine(
                SessionAnswer(
                    epoch: line.greeting.epoch, session: line.greeting.session, received: 0,
                    windowBytes: 65_536, acknowledges: false)
            ).bytes
    }

    private mutating func greet(
        _ greeting: SessionGreeting, at now: UInt64, _ ledger: Ledger
    ) {
        var greeting = greeting
        if !knowsSpool { greeting.spooled = [] }
        if bug == .counterNotReset, let last = session.epochs.last,
            !session.epochs.contains(where: { $0.epoch == greeting.epoch })
        {
            // K is the guest's instead of the epoch's.
            disk.append(.init(epoch: greeting.epoch, received: last.received))
            session = HostSession(windowBytes: session.windowBytes, stored: disk)
            _ = session.connected(at: now)
        }
        let actions = session.greeted(greeting, at: now)
        if let lost = actions.lost {
            ledger.fail("the host logs \(lost.from)...\(lost.to) as lost")
        }
        for one in actions.earlier where one.lost != nil {
            ledger.fail("the host logs \(one.lost!) of an earlier epoch as lost")
        }
        perform(actions, at: now)
    }

    private mutating func takeNumbered(
        _ line: SimulatedLine, at now: UInt64, _ ledger: Ledger
    ) {
        guard line.values.count >= 5 else {
            return ledger.fail("two frames were glued together, and taken for one")
        }
        let epoch = SessionEpoch(line.values[0...1])
        let number = line.values[2]
        let length = line.padding + 64
        let actions = session.received(epoch, number, bytes: length, at: now)
        if actions.verdict != .discard, let answered, answered.epoch == epoch,
            number <= answered.received
        {
            ledger.fail("\(number) came again after a handshake_ack with \(answered.received)")
        }
        let message = Ledger.Message(
            id: line.values[3], messageClass: MessageClass(rawValue: Int(line.values[4]))!,
            padding: line.padding)
        perform(actions, row: actions.verdict == .store ? (number, message) : nil, at: now)
    }

    // MARK: The store

    /// Rows and K reach the disk together.
    mutating func store(_ count: Int, at now: UInt64, _ ledger: Ledger) {
        let batch = pending.prefix(count)
        pending.removeFirst(batch.count)
        for entry in batch {
            if let row = entry.row { ledger.store(entry.epoch, row.number, row.message) }
            disk.removeAll { $0.epoch == entry.epoch }
            disk.append(.init(epoch: entry.epoch, received: entry.through))
            if disk.count > SessionLimits.epochsMax { disk.removeFirst() }
        }
        var told: Set<SessionEpoch> = []
        for entry in batch.reversed() where told.insert(entry.epoch).inserted {
            perform(session.stored(entry.epoch, through: entry.through, at: now), at: now)
        }
    }

    /// The disk is full: what waits is lost, and the session is told.
    mutating func failStore(at now: UInt64) {
        let epochs = Set(pending.map(\.epoch))
        pending = []
        for epoch in session.epochs.map(\.epoch) where epochs.contains(epoch) {
            perform(session.storeFailed(epoch, at: now), at: now)
        }
    }
}
