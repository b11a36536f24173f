import Session

/// One run: both halves of the session, the scanner and a port, under a virtual clock, driven by
/// one seed.
struct Simulation {
    let seed: UInt64
    /// The run goes on until so many frames were read and so many faults have struck.
    let framesMin: Int
    let faultsMin: Int
    /// One fault in so many steps.
    let faultInterval: Int
    let bug: PlausibleBug?
    var random: SplitMix
    var now: UInt64 = 1_000_000
    let ledger = Ledger()
    var port = SimulatedPort()
    var host: SimulatedHost
    var guest: SimulatedGuest?
    /// What the guest has noticed.
    var guestSeesHost = false
    var faults = [Int](repeating: 0, count: Fault.allCases.count)
    var guestCounters: [GuestSession.Counters] = []
    var hostCounters: [HostSession.Counters] = []
    var peakKeptBytes = 0
    private(set) var trace: [String]?

    var guestReturnsAt: UInt64 = 0
    var hostReturnsAt: UInt64 = 0
    var plugReturnsAt: UInt64 = 0
    var losesFrames = false
    var hostIsSlowUntil: UInt64 = 0
    var hostIsStuckUntil: UInt64 = 0
    var guestIsSlowUntil: UInt64 = 0
    var nextRole = SimulatedHost.Role.acknowledging
    var strangerLeavesAt: UInt64?
    /// The disk of a guest whose agent does not run; `nil` for a machine without a spool.
    var disk: SimulatedDisk?
    var snapshotDurable: Set<UInt64> = []
    var tornBytes = 0
    var snapshot: SimulatedGuest?
    var snapshotUses = 0
    var epochsSinceSnapshot = 0
    private var created = 0
    private var isCreating = true

    init(
        seed: UInt64, framesMin: Int, faultsMin: Int, faultInterval: Int,
        bug: PlausibleBug? = nil, isTraced: Bool = false
    ) {
        self.seed = seed
        self.framesMin = framesMin
        self.faultsMin = faultsMin
        self.faultInterval = faultInterval
        self.bug = bug
        random = SplitMix(seed: seed)
        port = SimulatedPort(socketRoomBytes: 4096 << random.below(7))
        host = SimulatedHost(bug: bug)
        disk = seed % 2 == 0 ? nil : SimulatedDisk()
        trace = isTraced ? [] : nil
    }

    /// - Returns: what went wrong; `nil` when nothing did.
    mutating func run() -> String? {
        if random.oneIn(4) { nextRole = .plain }
        while ledger.framesRead < framesMin || faults.reduce(0, +) < faultsMin,
            ledger.violation == nil
        {
            step()
            if random.oneIn(faultInterval) { strike() }
        }
        if ledger.violation == nil { settle() }
        retire()
        hostCounters.append(host.session.counters)
        return ledger.violation
    }

    mutating func note(_ text: @autoclosure () -> String) {
        guard trace != nil else { return }
        trace?.append("\(now) \(text())")
        if trace!.count > 60 { trace!.removeFirst() }
    }

    mutating func newEpoch() -> SessionEpoch {
        epochsSinceSnapshot += 1
        return SessionEpoch(high: random.next() | 1, low: random.next())
    }

    // MARK: Steps

    private mutating func step() {
        // While one side is away nothing much happens, and time passes faster.
        let isQuiet = guest == nil || !port.isHostHere
        now += UInt64(random.below(isQuiet ? 40 : 4))
        comeBack()
        if isQuiet ? random.oneIn(8) : random.below(3) > 0 { create() }
        if random.oneIn(2) {
            guestTurn()
            hostTurn()
        } else {
            hostTurn()
            guestTurn()
        }
    }

    private mutating func comeBack() {
        if !port.isPlugged, now >= plugReturnsAt { port.plug() }
        if port.isPlugged, guest == nil, now >= guestReturnsAt {
            guest = SimulatedGuest(epoch: newEpoch(), disk: disk, bug: bug, ledger)
            port.open()
            guestSeesHost = false
            note("a guest starts")
        } else if port.isPlugged, guest != nil, !port.isOpen {
            port.open()
        }
        if let leaves = strangerLeavesAt, now >= leaves {
            strangerLeavesAt = nil
            disconnectHost(returningIn: 20)
        }
        if port.isPlugged, !host.isConnected, now >= hostReturnsAt {
            port.hostArrives()
            let isOlder = isCreating && random.oneIn(10)
            host.connect(as: nextRole, knowsSpool: !isOlder, at: now)
            if isOlder {
                strike(.olderHostAttached)
                strangerLeavesAt = now + UInt64(500 + random.below(3000))
            }
            if nextRole != .acknowledging {
                strike(nextRole == .observer ? .observerAttached : .plainHostAttached)
                strangerLeavesAt = now + UInt64(500 + random.below(25_000))
            }
            let role = nextRole
            note("a host arrives as \(role)")
            nextRole = .acknowledging
        }
    }

    mutating func create() {
        guard guest != nil, isCreating else { return }
        created += 1
        let classes: [MessageClass] = [.result, .event, .metrics, .metrics, .metrics]
        let padding =
            switch random.below(400) {
            case 0: random.below(300_000)
            case 1..<10: random.below(60_000)
            case 10..<40: random.below(8000)
            default: random.below(400)
            }
        let message = Ledger.Message(
            id: UInt64(created), messageClass: classes[random.below(classes.count)],
            padding: padding)
        guest!.append(message)
    }

    private mutating func guestTurn() {
        guard guest != nil, port.isPlugged, port.isOpen else { return }
        if random.oneIn(2) { look() }
        let now = now
        if now >= guestIsSlowUntil {
            for _ in 0..<4 where !port.isInputEmpty { guest!.read(&port, at: now, ledger) }
        }
        turnDisk()
        guest!.handle(ledger) { $0.tick(at: now) }
        if guest!.session.state == .rolledBack { renewEpoch() }
        let writes = random.oneIn(3) ? 1 : 1 + random.below(12)
        // The channel writes to nobody before it has seen a host: one that stayed attached while the
        // port was unplugged would get the end of a frame whose middle is lost.
        guard guestSeesHost else { return }
        // A slot a frame fills the queue of a host that is stuck.
        guest!.coalesces = now >= hostIsStuckUntil
        guest!.send(&port, writes: guest!.coalesces ? writes : 140, at: now, ledger)
        if losesFrames { loseFrames() }
    }

    private mutating func turnDisk() {
        guard let disk = guest!.disk else { return }
        if disk.isResting {
            if random.oneIn(30) { guest!.beginDisk() }
        } else if random.oneIn(2) {
            guest!.syncDisk(ledger)
        }
    }

    mutating func renewEpoch() {
        let epoch = newEpoch()
        guest!.renewEpoch(epoch, at: now, ledger)
        guest!.wasRestored = false
        note("the guest begins another epoch")
    }

    /// poll(2), as an edge would have it done.
    private mutating func look() {
        guard port.isHostHere != guestSeesHost else { return }
        guestSeesHost = port.isHostHere
        let now = now
        if guestSeesHost {
            guest!.handle(ledger) { $0.hostArrived(at: now) }
        } else {
            guestLosesHost()
        }
    }

    mutating func guestLosesHost() {
        let now = now
        guestSeesHost = false
        guest!.dropHalfLine()
        guest!.handle(ledger) { session in
            session.hostLeft(at: now)
            return .none
        }
    }

    private mutating func hostTurn() {
        guard host.isConnected, port.isHostHere else {
            if random.oneIn(4) { host.store(8, at: now, ledger) }
            return
        }
        host.tick(at: now)
        host.write(&port)
        let isSlow = now < hostIsSlowUntil
        if !isSlow || (now >= hostIsStuckUntil && random.oneIn(40)) {
            host.read(&port, pieces: 1 + random.below(isSlow ? 4 : 30), at: now, ledger)
        }
        if random.oneIn(2) { host.store(1 + random.below(40), at: now, ledger) }
    }

    mutating func disconnectHost(returningIn milliseconds: Int) {
        guard host.isConnected else { return }
        host.disconnect()
        if port.isHostHere { port.hostLeaves() }
        strangerLeavesAt = nil
        hostReturnsAt = now + UInt64(milliseconds)
        note("the host leaves for \(milliseconds) ms")
    }

    mutating func retire() {
        guard let guest else { return }
        guestCounters.append(guest.session.counters)
        peakKeptBytes = max(peakKeptBytes, guest.peakKeptBytes)
    }

    // MARK: The end

    /// No more faults: everything that still waits must arrive, within five minutes.
    private mutating func settle() {
        isCreating = false
        losesFrames = false
        let limit = now + 300_000
        hostIsSlowUntil = 0
        hostIsStuckUntil = 0
        guestIsSlowUntil = 0
        // Whoever is there goes: it may be a host of another kind.
        strangerLeavesAt = now
        nextRole = .acknowledging
        var steps = 0
        while ledger.violation == nil {
            step()
            steps += 1
            guard let guest else { continue }
            if guest.waiting == 0, host.isIdle, port.slotsUsed == 0 {
                return ledger.checkDurable()
            }
            if steps % 200 == 0 { now += 500 }
            if now > limit {
                let session = guest.session
                ledger.fail(
                    "no progress: \(guest.waiting) messages wait, guest \(session.state), "
                        + "\(session.first)..<\(session.next) kept, next \(session.nextToLeave), "
                        + "\(session.inFlightBytes) in flight, host "
                        + "\(host.session.awaitsGreeting ? "awaits a handshake" : "listens"), "
                        + "\(host.pendingRows) rows pending")
            }
        }
    }
}
