import Glibc

/// The moment of a loop's turn: CLOCK_MONOTONIC, read once for all who ask in the same tick.
///
/// In many a guest the clock cannot be read without the kernel (a clock source of hpet or acpi_pm),
/// and what the kernel then does is leave the guest. CLOCK_MONOTONIC_COARSE is memory that the
/// kernel writes at each tick: while it has not passed the moment that was read last, that is good
/// enough to plan with. A moment is so at most one tick old, 1 to 10 ms.
///
/// Source: time(7), "The software clock"; the kernel's lib/vdso/gettimeofday.c.
public final class TurnClock {
    private var moment: MonotonicTime?

    public init() {}

    public var now: MonotonicTime {
        if let moment, MonotonicTime.coarse <= moment { return moment }
        let read = MonotonicTime.now
        moment = read
        return read
    }

    /// Time has passed: the next look reads the clock.
    public func pass() { moment = nil }
}

extension MonotonicTime {
    /// The moment of the last tick.
    fileprivate static var coarse: MonotonicTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return MonotonicTime(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
