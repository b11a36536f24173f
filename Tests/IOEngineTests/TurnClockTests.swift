import Glibc
import Kernel
import Testing

/// The engine's clock: it may be as old as the kernel's last tick, and no older.
@Suite struct TurnClockTests {
    private static func read(_ clock: clockid_t) -> MonotonicTime {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return MonotonicTime(
            nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    private static var lastTick: MonotonicTime { read(CLOCK_MONOTONIC_COARSE) }

    @Test func aMomentIsNoOlderThanTheLastTickAndTheSameUntilTheNext() {
        let clock = TurnClock()
        var earlier = clock.now
        var (kept, ticks) = (0, 0)
        while ticks < 10 {
            let tickBefore = Self.lastTick
            let moment = clock.now
            let again = clock.now
            let tickAfter = Self.lastTick
            #expect(tickBefore <= moment && moment <= MonotonicTime.now)
            #expect(earlier <= moment, "time goes on")
            if tickBefore == tickAfter {
                #expect(moment == again)
                kept += 1
            } else {
                ticks += 1
            }
            earlier = again
        }
        #expect(kept > 0)
    }

    @Test func timeThatPassedIsReadAnew() {
        let clock = TurnClock()
        for _ in 0..<1000 {
            let before = clock.now
            let between = MonotonicTime.now
            clock.pass()
            let after = clock.now
            #expect(before <= between && between <= after)
        }
    }
}
