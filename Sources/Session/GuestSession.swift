/// The guest's half of the acknowledging session. Pure: events and a clock value in, actions out.
///
/// It owns no byte and no clock. It decides when to greet, which numbers exist, what may leave and
/// what is let go of; its owner holds the bytes in a send ring and does what the actions say, by
/// ``RingCursor``. `Session.docc/Session.md` has the table of states and events, and the order of
/// calls.
///
/// ```swift
/// perform(session.hostArrived(at: now))                   // "\n", handshake
/// perform(session.answered(answer, at: now))              // handshake_ack: release, go on
/// if case .numbered(let number) = session.admission(of: .metrics, at: now) {
///     cursor.append(session.enter(.metrics, bytes: encode(number)).bytes)
/// }
/// while cursor.mayGrant, let departure = session.nextDeparture(at: now) { ... }
/// ```
///
/// Times are milliseconds of one monotonic clock. A value below an earlier one counts as that one.
///
/// Source: protocol, "Session".
public struct GuestSession: Sendable {
    public enum State: Equatable, Sendable {
        /// No host is there.
        case absent
        /// The handshake is out and nothing with a number leaves.
        case greeting
        /// The host acknowledges.
        case acknowledged
        /// A plain InfiniService host: what leaves has no number.
        case plain
        /// A host that only watches: control, and the answers to its own commands.
        case observer
        /// The host knows numbers that were never sent: a new epoch has to begin, by
        /// ``GuestSession/renewEpoch(_:at:rewrite:)``.
        case rolledBack
    }

    /// What the owner has to do, in the order of the members.
    public struct Actions: Equatable, Sendable {
        /// Bytes at the start of what is kept to let go of: `RingCursor.release`.
        public var releasedBytes = 0
        public var releasedMessages = 0
        /// Everything kept is unsent again: `RingCursor.rewind`. A write in flight is waited for
        /// first; a frame that has begun is not finished.
        public var rewinds = false
        /// To be sent now, behind a lone newline.
        public var greeting: SessionGreeting?
        /// A random epoch is needed: ``GuestSession/renewEpoch(_:at:rewrite:)`` is to be called.
        public var needsEpoch = false
        /// Earlier epochs of which everything is acknowledged: their files are of no use any more.
        public var finishedEpochs: [SessionEpoch] = []

        public init() {}

        public static let none = Actions()
    }

    /// Everything that was given up, ignored or begun anew, since the start.
    public struct Counters: Equatable, Sendable {
        public var messagesAcknowledged: UInt64 = 0
        /// Acknowledgements at or below what was known.
        public var acknowledgementsStale: UInt64 = 0
        public var acknowledgementsOfOtherEpochs: UInt64 = 0
        /// Acknowledgements from an observer, or while a new epoch is awaited.
        public var acknowledgementsUnexpected: UInt64 = 0
        public var answersOfOtherEpochs: UInt64 = 0
        public var answersOfOtherSessions: UInt64 = 0
        public var answersRepeated: UInt64 = 0
        public var answersWhileAbsent: UInt64 = 0
        public var requestsWhileAbsent: UInt64 = 0
        /// Hosts that knew less than was acknowledged before: they have lost something.
        public var hostsBehind: UInt64 = 0
        /// Windows that the host asked for and that were out of range.
        public var windowsClamped: UInt64 = 0
        public var greetings: UInt64 = 0
        /// New sessions because nothing moved.
        public var sessionsWithoutProgress: UInt64 = 0
        /// New handshakes because the one before stayed unanswered.
        public var greetingsUnanswered: UInt64 = 0
        public var fallbacksToPlain: UInt64 = 0
        public var rollbacks: UInt64 = 0
        /// Metrics that had a number and were declared lost.
        public var messagesGivenUp: UInt64 = 0
        /// Messages that left a second time.
        public var messagesResent: UInt64 = 0
        /// How often a frame had to wait for room in the window.
        public var departuresHeld: UInt64 = 0
        /// Messages of earlier epochs that left, each time.
        public var messagesOfEarlierEpochs: UInt64 = 0
        /// Answers of hosts that take no messages of earlier epochs.
        public var hostsWithoutSpool: UInt64 = 0

        public init() {}
    }

    public internal(set) var state = State.absent
    public internal(set) var epoch: SessionEpoch
    public internal(set) var forkedFrom: SessionEpoch?
    /// Handshakes of this epoch.
    public internal(set) var session: UInt64 = 0
    /// Everything up to this number is acknowledged.
    public internal(set) var acknowledgedNumber: UInt64 = 0
    public internal(set) var windowBytes = SessionLimits.windowBytesDefault
    public internal(set) var inFlightBytes = 0
    public internal(set) var counters = Counters()
    /// Never fall back to a plain host.
    public let requiresAcknowledgement: Bool

    var kept = KeptNumbers()
    /// What a spool has of earlier epochs, the oldest first.
    public internal(set) var earlier: [SpooledNumbers]
    /// The host of this session takes them.
    var takesEarlier = false
    /// Everything up to this number may leave; `nil` without a spool, when all may.
    var durableThrough: UInt64?
    /// The number that leaves next in this session.
    var leaving: UInt64 = 1
    /// The highest number that a host of this epoch can know of.
    var knowable: UInt64 = 0
    var isPresent = false
    /// A handshake_ack came once: never plain again. It outlives a roll-back, so that a plain
    /// session never has numbers to keep.
    var hasSeenAnswer = false
    /// The last host was a plain one, and the next one is taken for the same until it says more.
    var isPlainRemembered = false
    var greetedAt: UInt64 = 0
    var progressAt: UInt64 = 0
    var patience = SessionLimits.progressMilliseconds
    /// When results and events may go to a plain host.
    var plainResultsAt: UInt64 = 0
    var latest: UInt64 = 0

    /// - Parameters:
    ///   - epoch: 128 fresh random bits.
    ///   - requiresAcknowledgement: `require_ack` of the configuration.
    ///   - awaitsMedium: whether a number leaves only once ``madeDurable(_:through:)`` said so.
    ///   - earlier: what a spool has of earlier epochs, the oldest first; seven at most, for a host
    ///     keeps eight.
    public init(
        epoch: SessionEpoch, requiresAcknowledgement: Bool = false, awaitsMedium: Bool = false,
        earlier: [SpooledNumbers] = []
    ) {
        precondition(earlier.count <= SessionLimits.earlierEpochsMax, "more than a host keeps")
        self.epoch = epoch
        self.requiresAcknowledgement = requiresAcknowledgement
        self.earlier = earlier.filter { !$0.isEmpty }
        durableThrough = awaitsMedium ? 0 : nil
    }

    /// The lowest number still kept.
    public var first: UInt64 { kept.first }
    /// The number that the next new message gets.
    public var next: UInt64 { kept.next }
    public var keptMessages: Int { kept.count }
    public var keptBytes: Int { kept.bytes }
    /// Numbers given up and not acknowledged.
    public var gaps: [SessionRange] { kept.gaps }
    /// The next number that leaves in this session.
    public var nextToLeave: UInt64 { leaving }

    var mayFallBack: Bool { !hasSeenAnswer && !requiresAcknowledgement }
    var hasUnacknowledged: Bool { leaving > kept.first || hasEarlierInFlight }

    /// When ``tick(at:)`` is to be called next, in milliseconds of the monotonic clock; `nil` when
    /// nothing is waited for.
    public var deadlineMilliseconds: UInt64? {
        switch state {
        case .greeting:
            mayFallBack ? greetedAt + SessionLimits.answerMilliseconds : greetedAt + patience
        case .acknowledged:
            hasUnacknowledged ? progressAt + SessionLimits.progressMilliseconds : nil
        case .plain: plainResultsAt > latest ? plainResultsAt : nil
        case .absent, .observer, .rolledBack: nil
        }
    }

    // MARK: The port

    /// A host is there, or another one in the place of the last.
    public mutating func hostArrived(at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        isPresent = true
        patience = SessionLimits.progressMilliseconds
        guard state != .rolledBack else { return .none }
        return greet()
    }

    /// No host is there. What is in flight is lost or not: nobody knows until the next one says.
    public mutating func hostLeft(at milliseconds: UInt64) {
        advance(to: milliseconds)
        isPresent = false
        if state != .rolledBack { state = .absent }
    }

    /// Time has passed.
    public mutating func tick(at milliseconds: UInt64) -> Actions {
        advance(to: milliseconds)
        guard let deadlineMilliseconds, latest >= deadlineMilliseconds else { return .none }
        switch state {
        case .greeting where mayFallBack:
            becomePlain(resultsAt: latest + SessionLimits.plainResultMilliseconds)
            counters.fallbacksToPlain += 1
            return .none
        case .greeting:
            counters.greetingsUnanswered += 1
            patience = min(2 * patience, SessionLimits.progressMillisecondsMax)
            return greet()
        case .acknowledged:
            counters.sessionsWithoutProgress += 1
            return greet()
        case .plain, .absent, .observer, .rolledBack: return .none
        }
    }

    mutating func advance(to milliseconds: UInt64) {
        latest = max(latest, milliseconds)
    }

    private mutating func becomePlain(resultsAt: UInt64) {
        assert(kept.count == 0, "numbers exist only once a handshake_ack came")
        state = .plain
        isPlainRemembered = true
        plainResultsAt = resultsAt
    }

    /// Begins a session: everything kept is unsent, and a handshake says so.
    mutating func greet() -> Actions {
        assert(isPresent)
        var actions = Actions()
        let released = kept.releaseGivenUp()
        actions.releasedBytes = released.bytes
        actions.releasedMessages = released.messages
        actions.rewinds = true
        session += 1
        leaving = kept.first
        inFlightBytes = 0
        rewindEarlier()
        greetedAt = latest
        // What the handshake tells of counts as sent: the host moves its K over it.
        knowable = max(knowable, kept.first - 1, kept.gaps.last?.to ?? 0)
        counters.greetings += 1
        if isPlainRemembered, mayFallBack {
            becomePlain(resultsAt: plainResultsAt)
        } else {
            state = .greeting
        }
        actions.greeting = SessionGreeting(
            epoch: epoch, session: session, first: kept.first, next: kept.next, gaps: kept.gaps,
            forkedFrom: forkedFrom,
            spooled: earlier.map {
                SpooledRange(epoch: $0.epoch, first: $0.first, next: $0.next)
            })
        return actions
    }
}
