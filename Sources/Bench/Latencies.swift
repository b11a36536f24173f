/// Times of many rounds, kept one by one until their percentiles are asked for.
///
/// Memory is taken at the start: recording allocates nothing.
struct Latencies {
    /// Nanoseconds; what is longer than 4.29 s counts as that.
    private var nanoseconds: [UInt32] = []

    init(capacity: Int) {
        nanoseconds.reserveCapacity(capacity)
    }

    var count: Int { nanoseconds.count }

    mutating func record(_ value: UInt64) {
        nanoseconds.append(UInt32(clamping: value))
    }

    /// Sorts once and answers all.
    consuming func percentiles() -> Percentiles {
        guard !nanoseconds.isEmpty else { return Percentiles(p50: 0, p99: 0, p999: 0, worst: 0) }
        nanoseconds.sort()
        func value(_ share: Double) -> Double {
            let rank = Int((share * Double(nanoseconds.count)).rounded(.up)) - 1
            return Double(nanoseconds[min(max(rank, 0), nanoseconds.count - 1)]) / 1000
        }
        return Percentiles(p50: value(0.5), p99: value(0.99), p999: value(0.999), worst: value(1))
    }
}

/// Percentiles in microseconds.
public struct Percentiles: Sendable {
    public let p50: Double
    public let p99: Double
    public let p999: Double
    public let worst: Double
}
