import IOEngine
import Kernel
import Port
public import Session
import Wire

/// A session whose messages are kept: the pure half, and the place in the store.
public struct StoredSession {
    public let store: MessageStore
    public let log: MessageStore.Log
    /// `nil` behind a listening socket until a handshake says which life of which agent it is.
    public internal(set) var session: HostSession?
    /// The store failed, and is tried again when the timer says.
    var retriesAt: MonotonicTime?

    /// - Parameters:
    ///   - store: keeps the guest's messages.
    ///   - log: the guest's place in the store.
    ///   - isOneGuest: whether all that comes by this socket is one guest's.
    public init(_ store: MessageStore, _ log: MessageStore.Log, isOneGuest: Bool) {
        self.store = store
        self.log = log
        session = isOneGuest ? HostSession(stored: store.epochs(of: log)) : nil
    }
}

/// How a host acknowledges. Source: protocol, "Session"; `Session.docc/Session.md`, "Wiring a host
/// to a store".
extension GuestLink {
    private var milliseconds: UInt64 { MonotonicTime.now.nanoseconds / 1_000_000 }

    /// What the host knows of the session, for those who look.
    public var sessionCounters: HostSession.Counters? { stored?.session?.counters }

    /// Whether a message is to be shown: it has no number, or a new one.
    func isNew(_ message: GuestMessage, _ numbering: Numbering?, _ frame: RawSpan) -> Bool {
        guard stored != nil else { return true }
        switch message {
        case .handshake(let handshake):
            if let offer = handshake.offer {
                greeted(offer)
            } else {
                stored?.session?.greetedPlainly()
            }
            return true
        case .skipped(let skipped):
            let range = SessionRange(from: skipped.range.from, to: skipped.range.to)
            perform { $0.skipped(SessionEpoch(skipped.epoch), range, at: $1) }
            return true
        default:
            guard let numbering else { return true }
            return isNew(numbering, frame)
        }
    }

    private func isNew(_ numbering: Numbering, _ frame: RawSpan) -> Bool {
        guard stored?.session != nil else { return false }
        let actions = stored!.session!.received(
            SessionEpoch(numbering.epoch), numbering.sequence, bytes: frame.byteCount + 1,
            at: milliseconds)
        // A row of an earlier epoch comes with K of that one.
        let isRow = actions.verdict == .store
        if isRow, let through = actions.storesThrough ?? actions.earlier.first?.storesThrough {
            stored!.store.append(
                frame, epoch: SessionEpoch(numbering.epoch), number: numbering.sequence,
                through: through, to: stored!.log)
        }
        perform(actions, isRow: isRow)
        return isRow
    }

    private func greeted(_ offer: SessionOffer) {
        let epoch = SessionEpoch(offer.epoch)
        if let sessions {
            let earlier = offer.spooled.prefix(SessionLimits.earlierEpochsMax).map {
                SessionEpoch($0.epoch)
            }
            let session = sessions.session(of: epoch, after: earlier, for: self)
            stored?.session = session
        }
        perform { $0.greeted(SessionGreeting(offer), at: $1) }
    }

    /// What waited is safe, or not.
    func noteOutcome(_ outcome: MessageStore.Outcome) {
        guard let stored, stored.log == outcome.log, stored.session != nil else { return }
        if let failure = outcome.failure {
            noteFailure(failure)
        } else {
            perform { $0.stored(outcome.epoch, through: outcome.through, at: $1) }
            if port.channel.isPaused, stored.retriesAt == nil, !stored.store.isFull(stored.log) {
                port.channel.resume()
            }
        }
        setSessionTimer()
    }

    private func noteFailure(_ failure: Errno) {
        guard stored?.retriesAt == nil else { return }
        stored!.retriesAt = MonotonicTime.now.adding(milliseconds: StateLimits.retryMilliseconds)
        port.channel.pause()
        observer?.guest(self, cannotBeStored: failure)
    }

    func pauseIfFull() {
        if let stored, stored.store.isFull(stored.log) { port.channel.pause() }
    }

    // MARK: The session

    func perform(_ event: (inout HostSession, UInt64) -> HostSession.Actions) {
        guard stored?.session != nil else { return }
        perform(event(&stored!.session!, milliseconds), isRow: false)
    }

    private func perform(_ actions: HostSession.Actions, isRow: Bool) {
        guard let stored, let session = stored.session else { return }
        if let through = actions.storesThrough, let epoch = session.epoch, !isRow {
            stored.store.append(
                nil, epoch: epoch, number: through, through: through, to: stored.log)
        }
        if let lost = actions.lost { observer?.guest(self, lost: lost) }
        for one in actions.earlier { perform(one, isRow: isRow) }
        if let answer = actions.answer { send(HandshakeAcknowledgement(answer)) }
        if let number = actions.acknowledges, let epoch = session.epoch {
            send(Acknowledgement(Numbering(epoch: Epoch(epoch), sequence: number)))
        }
        if actions.requestsGreeting { send(HandshakeRequest()) }
    }

    /// What is to be done about an earlier epoch, from the guest's spool.
    private func perform(_ actions: HostSession.EarlierActions, isRow: Bool) {
        guard let stored else { return }
        if let through = actions.storesThrough, !isRow {
            stored.store.append(
                nil, epoch: actions.epoch, number: through, through: through, to: stored.log)
        }
        if let lost = actions.lost { observer?.guest(self, lost: lost) }
        if let number = actions.acknowledges {
            send(Acknowledgement(Numbering(epoch: Epoch(actions.epoch), sequence: number)))
        }
    }

    /// Without a state this host gets what has no number. An agent that was acknowledged once sends
    /// nothing of the kind, and people should know why their table stays empty.
    func noteWithheld(_ message: GuestMessage) {
        switch message {
        case .handshake(let handshake) where handshake.offer != nil:
            engine.setTimer(
                sessionTimer,
                at: MonotonicTime.now.adding(milliseconds: HostLimits.withheldMilliseconds))
        case .metrics: engine.setTimer(sessionTimer, at: nil)
        default: break
        }
    }

    func sessionWasDue() {
        guard stored != nil else {
            observer?.guestWithholds(self)
            return
        }
        if let retriesAt = stored?.retriesAt, retriesAt <= .now { retryStore() }
        perform { $0.tick(at: $1) }
        setSessionTimer()
    }

    /// What the store lost has to come again.
    private func retryStore() {
        stored!.retriesAt = nil
        stored!.store.resume(stored!.log)
        for known in stored!.session?.epochs ?? [] {
            perform { $0.storeFailed(known.epoch, at: $1) }
        }
        port.channel.resume()
    }

    func setSessionTimer() {
        guard let stored else { return }
        let due = stored.session?.deadlineMilliseconds.map {
            MonotonicTime(nanoseconds: $0 * 1_000_000)
        }
        let next = [due, stored.retriesAt].compactMap { $0 }.min()
        engine.setTimer(sessionTimer, at: next)
    }
}

extension SessionGreeting {
    init(_ offer: SessionOffer) {
        self.init(
            epoch: SessionEpoch(offer.epoch), session: offer.session, first: offer.first,
            next: offer.next, gaps: offer.gaps.map { SessionRange(from: $0.from, to: $0.to) },
            forkedFrom: offer.forkedFrom.map { SessionEpoch($0) },
            spooled: offer.spooled.map {
                SpooledRange(epoch: SessionEpoch($0.epoch), first: $0.first, next: $0.next)
            })
    }
}

extension HandshakeAcknowledgement {
    init(_ answer: SessionAnswer) {
        self.init(
            epoch: Epoch(answer.epoch), session: answer.session, received: answer.received,
            windowBytes: answer.windowBytes, capabilities: ["ack"])
        spooled = answer.spooled?.map {
            SpooledReceipt(epoch: Epoch($0.epoch), received: $0.received)
        }
    }
}
