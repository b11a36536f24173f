import Kernel

/// Lets so many records of a kind through and counts the others: a token bucket for each kind.
///
/// Pure, so that it can be tested without waiting.
struct LogRateLimiter: Sendable {
    enum Verdict: Equatable {
        /// Write it; so many of its kind were left out before it.
        case admit(suppressedBefore: UInt64)
        case suppress
    }

    /// Records of one kind that may come at once.
    static let burst = 20.0
    /// Records of one kind a second, after that.
    static let perSecond = 1.0
    /// Kinds with a bucket of their own. Kinds are places in the code and ids of events, which are
    /// few; whatever comes beyond shares one bucket, so that nothing grows.
    static let kindsMax = 128
    /// How long a count of suppressed records may stay untold, in nanoseconds.
    static let reportNanoseconds: UInt64 = 30_000_000_000

    private struct Bucket {
        var tokens = LogRateLimiter.burst
        var filledAt: MonotonicTime
        var suppressed: UInt64 = 0
        var suppressedSince: MonotonicTime
    }

    private var buckets: [String: Bucket] = [:]
    private static let overflowKind = ""

    /// Whether a record of `kind` may be written now.
    mutating func judge(_ kind: String, at now: MonotonicTime) -> Verdict {
        var kind = kind
        if buckets[kind] == nil, buckets.count >= Self.kindsMax { kind = Self.overflowKind }
        var bucket = buckets[kind] ?? Bucket(filledAt: now, suppressedSince: now)
        defer { buckets[kind] = bucket }
        bucket.tokens = min(
            Self.burst, bucket.tokens + now.seconds(since: bucket.filledAt) * Self.perSecond)
        bucket.filledAt = max(now, bucket.filledAt)
        guard bucket.tokens >= 1 else {
            if bucket.suppressed == 0 { bucket.suppressedSince = now }
            bucket.suppressed += 1
            return .suppress
        }
        bucket.tokens -= 1
        defer { bucket.suppressed = 0 }
        return .admit(suppressedBefore: bucket.suppressed)
    }

    /// When ``takeOverdue(at:)`` has something to tell; `nil` when nothing was suppressed.
    var nextReport: MonotonicTime? {
        buckets.values.lazy.filter { $0.suppressed > 0 }.map(\.suppressedSince).min()
            .map { $0.adding(nanoseconds: Self.reportNanoseconds) }
    }

    /// The counts that nobody was told of for too long, or all of them, which are then forgotten.
    mutating func takeOverdue(at now: MonotonicTime, all: Bool = false) -> UInt64 {
        var total: UInt64 = 0
        for (kind, bucket) in buckets where bucket.suppressed > 0 {
            let age = now.nanoseconds(since: bucket.suppressedSince)
            guard all || age >= Self.reportNanoseconds else { continue }
            total += bucket.suppressed
            buckets[kind]?.suppressed = 0
        }
        return total
    }
}
