/// One life of an agent: 128 random bits. `Epoch` on the wire.
public struct SessionEpoch: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Numbers of messages, both ends included.
public struct SessionRange: Hashable, Sendable {
    public var from: UInt64
    public var to: UInt64

    public init(from: UInt64, to: UInt64) {
        precondition(from <= to, "a range runs upwards")
        self.from = from
        self.to = to
    }

    public func contains(_ number: UInt64) -> Bool { from <= number && number <= to }
}

/// What a handshake says of the session: the guest's offer.
public struct SessionGreeting: Equatable, Sendable {
    public var epoch: SessionEpoch
    /// Counts handshakes within the epoch, from 1.
    public var session: UInt64
    /// The lowest number still kept; ``next`` when none is.
    public var first: UInt64
    /// The number that the next new message will get.
    public var next: UInt64
    /// Numbers given up and not acknowledged yet, in order, apart from each other.
    public var gaps: [SessionRange]
    /// The epoch that this one was forked from by a roll-back, if it was.
    public var forkedFrom: SessionEpoch?
    /// What a spool has of earlier epochs, the oldest first.
    public var spooled: [SpooledRange]

    public init(
        epoch: SessionEpoch, session: UInt64, first: UInt64, next: UInt64,
        gaps: [SessionRange] = [], forkedFrom: SessionEpoch? = nil, spooled: [SpooledRange] = []
    ) {
        self.epoch = epoch
        self.session = session
        self.first = first
        self.next = next
        self.gaps = gaps
        self.forkedFrom = forkedFrom
        self.spooled = spooled
    }
}

/// Numbers of an earlier epoch that a spool has, as a handshake lists them.
public struct SpooledRange: Hashable, Sendable {
    public var epoch: SessionEpoch
    /// The lowest number.
    public var first: UInt64
    /// The number behind the last one.
    public var next: UInt64

    public init(epoch: SessionEpoch, first: UInt64, next: UInt64) {
        self.epoch = epoch
        self.first = first
        self.next = next
    }
}

/// What a handshake_ack says: the host's answer to a ``SessionGreeting``.
public struct SessionAnswer: Equatable, Sendable {
    public var epoch: SessionEpoch
    public var session: UInt64
    /// Everything up to this number is safe on the host's side: K.
    public var received: UInt64
    /// Unacknowledged bytes that the host takes at most.
    public var windowBytes: UInt64
    /// Whether `ack` is among its capabilities and it is no observer.
    public var acknowledges: Bool
    /// K of each earlier epoch that the handshake listed; `nil` from a host that does not know of
    /// them.
    public var spooled: [HostSession.StoredEpoch]?

    public init(
        epoch: SessionEpoch, session: UInt64, received: UInt64, windowBytes: UInt64,
        acknowledges: Bool = true, spooled: [HostSession.StoredEpoch]? = nil
    ) {
        self.epoch = epoch
        self.session = session
        self.received = received
        self.windowBytes = windowBytes
        self.acknowledges = acknowledges
        self.spooled = spooled
    }
}
