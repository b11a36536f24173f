/// The host's half of the acknowledging session, for one guest. Pure: events and a clock value in,
/// actions out.
///
/// Which guest that is, the socket says; a host of many keeps one of these for each. Rows and K are
/// stored by the owner, together, and ``stored(_:through:at:)`` says when they are safe: nothing is
/// acknowledged before.
///
/// ```swift
/// perform(session.connected(at: now))                    // "\n", handshake_request
/// perform(session.greeted(offer, at: now))               // handshake_ack
/// let actions = session.received(epoch, number, bytes: count, at: now)
/// if let through = actions.storesThrough { store(row, epoch, through) }
/// perform(session.stored(epoch, through: through, at: now))   // ack, when it is due
/// ```
///
/// Times are milliseconds of one monotonic clock.
///
/// Source: protocol, "Session".
public struct HostSession: Sendable {
    /// What is to be done with a numbered message.
    public enum Verdict: Equatable, Sendable {
        /// No message came.
        case none
        /// New and in order: a row to be stored, together with K.
        case store
        /// Had before.
        case duplicate
        /// Not to be looked at: a new handshake is awaited.
        case discard
    }

    /// What the owner has to do, in the order of the members.
    public struct Actions: Equatable, Sendable {
        public var verdict = Verdict.none
        /// K to be stored for ``HostSession/epoch``, together with the row if there is one. Numbers
        /// passed over are part of it: they have to be known as such after a restart.
        public var storesThrough: UInt64?
        /// Numbers that the guest no longer has and never declared lost: to be logged.
        public var lost: SessionRange?
        /// A handshake_ack to be sent.
        public var answer: SessionAnswer?
        /// An ack of ``HostSession/epoch`` up to this number, to be sent.
        public var acknowledges: UInt64?
        /// A handshake_request to be sent.
        public var requestsGreeting = false
        /// The same of earlier epochs, which a spool of the guest has.
        public var earlier: [EarlierActions] = []

        public init() {}

        public static let none = Actions()
    }

    /// What is to be done about an earlier epoch; see ``Actions``.
    public struct EarlierActions: Equatable, Sendable {
        public var epoch: SessionEpoch
        public var storesThrough: UInt64?
        public var lost: SessionRange?
        public var acknowledges: UInt64?

        public init(
            _ epoch: SessionEpoch, storesThrough: UInt64? = nil, lost: SessionRange? = nil,
            acknowledges: UInt64? = nil
        ) {
            self.epoch = epoch
            self.storesThrough = storesThrough
            self.lost = lost
            self.acknowledges = acknowledges
        }
    }

    public struct Counters: Equatable, Sendable {
        public var messagesStored: UInt64 = 0
        public var duplicates: UInt64 = 0
        public var discarded: UInt64 = 0
        public var jumps: UInt64 = 0
        /// Messages of another epoch than the handshake's.
        public var otherEpochs: UInt64 = 0
        /// Numbers passed over because the guest declared them lost. A guest can claim 2^63 in one
        /// breath: this counter and the next wrap around instead of stopping the host.
        public var numbersPassed: UInt64 = 0
        /// Numbers lost that were not declared.
        public var numbersLost: UInt64 = 0
        /// Handshakes, ranges and numbers that make no sense.
        public var refused: UInt64 = 0
        /// Guests that a snapshot took back to a handshake had before.
        public var guestsRestored: UInt64 = 0
        /// Epochs forgotten for newer ones.
        public var epochsForgotten: UInt64 = 0
        public var acknowledgements: UInt64 = 0
        public var greetingsRequested: UInt64 = 0

        public init() {}
    }

    /// K of an epoch, as a store keeps it.
    public struct StoredEpoch: Equatable, Sendable {
        public var epoch: SessionEpoch
        public var received: UInt64

        public init(epoch: SessionEpoch, received: UInt64) {
            self.epoch = epoch
            self.received = received
        }
    }

    struct Record: Sendable {
        var epoch: SessionEpoch
        /// Everything up to it is safe on the owner's side: K.
        var received: UInt64
        /// Everything up to it was given to the store, or passed over.
        var accepted: UInt64
        /// The last handshake's, 0 before the first.
        var session: UInt64 = 0
        /// The last handshake of this connection listed it as spooled.
        var isSpooled = false
        /// The last number told, by handshake_ack or ack, on this connection.
        var told: UInt64 = 0
        /// Of what came and is not told: bytes, and since when.
        var untoldBytes = 0
        var untoldSince: UInt64?
    }

    /// The epochs known, the last greeted one last.
    var records: [Record] = []
    /// Declared lost by the last handshake, in order.
    var gaps: [SessionRange] = []
    public internal(set) var counters = Counters()
    public let windowBytes: Int
    var isConnected = false
    /// A handshake came on this connection.
    var isGreeted = false
    /// Numbered messages are discarded until the next handshake.
    public internal(set) var awaitsGreeting = true
    var asksAgainAt: UInt64?
    var patience = SessionLimits.progressMilliseconds
    var latest: UInt64 = 0

    /// - Parameters:
    ///   - windowBytes: 4 KiB to 1 MiB.
    ///   - stored: what the store knows of this guest, the last epoch last; of more than eight the
    ///     last eight count.
    public init(
        windowBytes: Int = SessionLimits.windowBytesDefault, stored: [StoredEpoch] = []
    ) {
        let range = SessionLimits.windowBytesMin...SessionLimits.windowBytesMax
        precondition(range.contains(windowBytes), "4 KiB to 1 MiB")
        self.windowBytes = windowBytes
        records.reserveCapacity(SessionLimits.epochsMax)
        for known in stored.suffix(SessionLimits.epochsMax) {
            records.append(
                Record(
                    epoch: known.epoch, received: known.received, accepted: known.received))
        }
    }

    /// The epoch of the last handshake of this connection.
    public var epoch: SessionEpoch? { isGreeted ? records.last?.epoch : nil }

    /// The epoch that was greeted last, on whatever connection.
    public var lastEpoch: SessionEpoch? { records.last?.epoch }

    /// K by epoch, the last one last: at most eight.
    public var epochs: [StoredEpoch] {
        records.map { StoredEpoch(epoch: $0.epoch, received: $0.received) }
    }

    /// Whether K of all these epochs is known.
    public func knows(_ epochs: [SessionEpoch]) -> Bool {
        epochs.allSatisfy { epoch in records.contains { $0.epoch == epoch } }
    }

    /// When ``tick(at:)`` is to be called next; `nil` when nothing is waited for.
    public var deadlineMilliseconds: UInt64? {
        guard isConnected else { return nil }
        var deadline = asksAgainAt
        // What is not safe yet is told as soon as it is, and needs no clock.
        for index in records.indices where isHeard(index) {
            let record = records[index]
            guard let since = record.untoldSince, record.received > record.told else { continue }
            let due = since + SessionLimits.acknowledgeMilliseconds
            deadline = min(deadline ?? due, due)
        }
        return deadline
    }

    // MARK: The connection

    public mutating func connected(at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        disconnected()
        isConnected = true
        patience = SessionLimits.progressMilliseconds
        return request()
    }

    public mutating func disconnected() {
        isConnected = false
        isGreeted = false
        awaitsGreeting = true
        asksAgainAt = nil
        for index in records.indices {
            records[index].untoldBytes = 0
            records[index].untoldSince = nil
            records[index].isSpooled = false
        }
    }

    /// Whether numbers of this record may come on this connection.
    func isHeard(_ index: Int) -> Bool {
        isGreeted && (index == records.count - 1 || records[index].isSpooled)
    }

    /// Time has passed.
    public mutating func tick(at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        var actions = Actions()
        if let asksAgainAt, latest >= asksAgainAt {
            patience = min(2 * patience, SessionLimits.progressMillisecondsMax)
            actions = request()
        }
        for index in records.indices where isHeard(index) { acknowledge(index, &actions) }
        return actions
    }

    mutating func advance(to milliseconds: UInt64) {
        latest = max(latest, milliseconds)
    }

    mutating func request() -> Actions {
        awaitsGreeting = true
        asksAgainAt = latest + patience
        counters.greetingsRequested += 1
        var actions = Actions()
        actions.requestsGreeting = true
        return actions
    }

    /// A handshake came that offers no session: an InfiniService agent. Nothing of it has numbers.
    public mutating func greetedPlainly() {
        asksAgainAt = nil
    }

    /// A handshake came.
    public mutating func greeted(_ greeting: SessionGreeting, at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        guard isConnected, greeting.first >= 1, greeting.first <= greeting.next,
            greeting.next <= SessionLimits.numberMax
        else {
            counters.refused += 1
            return .none
        }
        patience = SessionLimits.progressMilliseconds
        asksAgainAt = nil
        isGreeted = true
        var actions = Actions()
        let spooled = greetedEarlier(greeting, &actions)
        bringForward(greeting.epoch)
        let last = records.count - 1
        let isRestored =
            greeting.session <= records[last].session || greeting.next <= records[last].accepted
        records[last].session = max(records[last].session, greeting.session)
        setGaps(of: greeting)
        let accepted = records[last].accepted
        actions.lost = passToFirst(greeting.first)
        if records[last].accepted > accepted { actions.storesThrough = records[last].accepted }
        var received = records[last].received
        awaitsGreeting = isRestored
        if isRestored {
            // Handshakes and numbers of an epoch only count up, so a snapshot was restored. K alone
            // need not show it: rows may wait for the store, or the guest has sent other messages
            // under numbers that were used before. A K above all that it sent makes it begin
            // another epoch.
            counters.guestsRestored += 1
            received = max(received, greeting.next)
            asksAgainAt = latest + patience
        }
        noteTold(last, received)
        actions.answer = SessionAnswer(
            epoch: greeting.epoch, session: greeting.session, received: received,
            windowBytes: UInt64(windowBytes), spooled: spooled)
        return actions
    }

    private mutating func noteTold(_ index: Int, _ number: UInt64) {
        records[index].told = number
        // What was accepted and is not safe yet is told when it is.
        records[index].untoldBytes = 0
        let isWaiting = records[index].accepted > records[index].received
        records[index].untoldSince = isWaiting ? latest : nil
    }

    /// The epochs that the handshake lists as spooled are known from here on.
    ///
    /// - Returns: K of each; `nil` when there are none.
    private mutating func greetedEarlier(
        _ greeting: SessionGreeting, _ actions: inout Actions
    ) -> [StoredEpoch]? {
        for index in records.indices { records[index].isSpooled = false }
        guard !greeting.spooled.isEmpty else { return nil }
        var known: [StoredEpoch] = []
        for range in greeting.spooled {
            let makesSense =
                range.epoch != greeting.epoch && range.first >= 1 && range.first <= range.next
                && range.next <= SessionLimits.numberMax
                && !known.contains { $0.epoch == range.epoch }
            guard makesSense, known.count < SessionLimits.earlierEpochsMax else {
                counters.refused += 1
                continue
            }
            bringForward(range.epoch)
            let last = records.count - 1
            records[last].isSpooled = true
            let from = records[last].accepted + 1
            if from < range.first {
                // The guest keeps nothing below it: what is missing there will never come.
                let lost = SessionRange(from: from, to: range.first - 1)
                counters.numbersLost += range.first - from
                records[last].accepted = lost.to
                actions.earlier.append(
                    EarlierActions(range.epoch, storesThrough: lost.to, lost: lost))
            }
            noteTold(last, records[last].received)
            known.append(StoredEpoch(epoch: range.epoch, received: records[last].received))
        }
        return known
    }

    private mutating func bringForward(_ epoch: SessionEpoch) {
        if let known = records.firstIndex(where: { $0.epoch == epoch }) {
            records.append(records.remove(at: known))
            return
        }
        if records.count == SessionLimits.epochsMax {
            records.removeFirst()
            counters.epochsForgotten += 1
        }
        records.append(Record(epoch: epoch, received: 0, accepted: 0))
    }

    private mutating func setGaps(of greeting: SessionGreeting) {
        gaps.removeAll(keepingCapacity: true)
        for gap in greeting.gaps {
            let isInOrder = gap.from > (gaps.last?.to ?? 0) && gap.to < greeting.next
            // More than we keep is told again at its place, by `skipped`.
            guard isInOrder, gaps.count < SessionLimits.gapsMax else {
                counters.refused += 1
                continue
            }
            gaps.append(gap)
        }
    }

    /// The guest keeps nothing below `first`: what is missing there will never come.
    ///
    /// - Returns: from the first to the last number missing that was not declared lost.
    private mutating func passToFirst(_ first: UInt64) -> SessionRange? {
        var lost: SessionRange?
        passGaps()
        while records[records.count - 1].accepted + 1 < first {
            let from = records[records.count - 1].accepted + 1
            // Gaps that begin at `from` are passed already.
            let to = min(first, gaps.first { $0.from > from }?.from ?? first) - 1
            counters.numbersLost &+= to - from + 1
            lost = SessionRange(from: lost?.from ?? from, to: to)
            records[records.count - 1].accepted = to
            passGaps()
        }
        return lost
    }

    mutating func passGaps() {
        let last = records.count - 1
        for gap in gaps where gap.contains(records[last].accepted + 1) {
            counters.numbersPassed &+= gap.to - records[last].accepted
            records[last].accepted = gap.to
        }
    }
}
