import Kernel

/// The deadlines of an engine, one a key.
///
/// There are so few that a scan of all is cheaper than a heap, and it allocates nothing.
struct TimerTable {
    private var deadlines: [UInt64]
    private(set) var earliest = UInt64.max

    init(timersMax: Int) {
        deadlines = [UInt64](repeating: .max, count: timersMax)
    }

    mutating func set(_ key: TimerKey, at moment: MonotonicTime?) {
        precondition(Int(key.number) < deadlines.count, "a timer key beyond the engine's timers")
        let new = moment?.nanoseconds ?? .max
        guard deadlines[Int(key.number)] != new else { return }
        deadlines[Int(key.number)] = new
        earliest = deadlines.min() ?? .max
    }

    func isSet(_ key: TimerKey) -> Bool {
        deadlines[Int(key.number)] != .max
    }

    var next: MonotonicTime? {
        earliest == .max ? nil : MonotonicTime(nanoseconds: earliest)
    }

    /// The key of one timer that is due, which is unset thereby; the earliest first.
    mutating func takeDue(at now: MonotonicTime) -> TimerKey? {
        guard earliest <= now.nanoseconds, let place = deadlines.firstIndex(of: earliest) else {
            return nil
        }
        let key = TimerKey(UInt32(place))
        set(key, at: nil)
        return key
    }
}
