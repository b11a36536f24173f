public import Kernel

/// How long to wait before the next attempt to open: 1 s, doubling to 60 s, each varied by a tenth.
public struct BackOff: Sendable {
    private var failures = 0
    private var connectedAt: MonotonicTime?
    private var random: any RandomNumberGenerator & Sendable

    /// - Parameter random: where the jitter comes from; tests give a seeded one.
    public init(random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()) {
        self.random = random
    }

    /// A connection stands from here on.
    public mutating func connected(at now: MonotonicTime) {
        connectedAt = now
    }

    /// The connection is gone, or an attempt failed: milliseconds until the next one.
    public mutating func next(at now: MonotonicTime) -> UInt64 {
        if let since = connectedAt,
            now.nanoseconds(since: since) >= PortLimits.backOffResetMilliseconds * 1_000_000
        {
            failures = 0
        }
        connectedAt = nil
        let doubled = PortLimits.backOffMillisecondsMin << UInt64(min(failures, 6))
        failures = min(failures + 1, 7)
        let plain = Double(min(doubled, PortLimits.backOffMillisecondsMax))
        let share = Double.random(
            in: (1 - PortLimits.backOffJitter)...(1 + PortLimits.backOffJitter), using: &random)
        return UInt64(plain * share)
    }

    /// Something new is there: the next failure is the first one again.
    public mutating func reset() {
        failures = 0
    }
}
