public import Wire

/// How well a guest is, as the host that watches it sees it.
public enum Health: Sendable {
    case good
    case waiting
    case bad
}

/// All that a view shows of one guest.
public struct GuestStatus: Sendable {
    /// The guest's name as the host knows it: of its socket or its VM, never what the guest says.
    public var name: String
    /// The state of the connection in a word or two, such as `connected`.
    public var state: String
    /// The colour of that state.
    public var health: Health
    /// The newest sample, `nil` until one came.
    public var sample: MetricsSample?
    public var history: History
    /// How old the newest sample is, in milliseconds on the host's own clock.
    public var ageMilliseconds: UInt64?

    public init(
        name: String, state: String, health: Health = .waiting, sample: MetricsSample? = nil,
        history: History = History(), ageMilliseconds: UInt64? = nil
    ) {
        self.name = name
        self.state = state
        self.health = health
        self.sample = sample
        self.history = history
        self.ageMilliseconds = ageMilliseconds
    }

    /// Milliseconds from which on a sample says what was, not what is.
    static let staleMilliseconds: UInt64 = 60_000

    var isStale: Bool { ageMilliseconds ?? 0 >= Self.staleMilliseconds }
}
