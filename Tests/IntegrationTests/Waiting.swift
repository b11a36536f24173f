import Glibc

/// Something that was waited for and did not come.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// How long a test waits for what must come, in seconds: so long that a busy machine does not decide
/// it. Only a test that fails waits for it; one that is about a time says its own.
let patienceSeconds = 20.0

/// Seconds on the clock that never jumps.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Looks every few milliseconds whether `isDone`, for at most `seconds`.
///
/// - Throws: ``TimedOut`` with what was waited for.
func waitUntil(
    _ what: @autoclosure () -> String, seconds: Double = patienceSeconds,
    _ isDone: () throws -> Bool
) throws {
    let limit = monotonicSeconds() + seconds
    while try !isDone() {
        guard monotonicSeconds() < limit else {
            throw TimedOut(description: "not within \(seconds) s: \(what())")
        }
        usleep(3000)
    }
}

/// Lets `seconds` pass: only where what must not happen meanwhile is the test.
func letPass(seconds: Double) {
    let limit = monotonicSeconds() + seconds
    while monotonicSeconds() < limit {
        usleep(UInt32(max(1, min(500_000, (limit - monotonicSeconds()) * 1e6))))
    }
}
