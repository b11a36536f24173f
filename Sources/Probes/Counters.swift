import Kernel

/// How much a counter grew: 0 when it went backwards, as after a reset, a wrap or a CPU unplugged.
func increase(_ now: UInt64, since before: UInt64) -> UInt64 {
    now > before ? now - before : 0
}

/// A counter's growth a second: 0 when no time passed.
func perSecond(_ now: UInt64, since before: UInt64, seconds: Double) -> Double {
    seconds > 0 ? Double(increase(now, since: before)) / seconds : 0
}

/// `part` of `whole` in percent, 0 to 100: 0 of nothing.
func percent(_ part: Double, of whole: Double) -> Double {
    whole > 0 ? min(100, max(0, part / whole * 100)) : 0
}

/// A product that stops at the largest number instead of trapping.
func multiplied(_ left: UInt64, by right: UInt64) -> UInt64 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? .max : product
}

/// Something that is read again only after a while.
struct Refresh {
    let seconds: Double
    private var last: MonotonicTime?

    init(seconds: Double) {
        self.seconds = seconds
    }

    /// Whether it is time: always at first, and then it counts as done.
    mutating func isDue(at now: MonotonicTime) -> Bool {
        if let last, now.seconds(since: last) < seconds { return false }
        last = now
        return true
    }

    /// Makes it due at once.
    mutating func expire() { last = nil }
}
