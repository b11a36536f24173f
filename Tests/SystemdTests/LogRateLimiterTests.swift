import Kernel
import Testing

@testable import Systemd

@Suite struct LogRateLimiterTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    @Test func aBurstPassesThenOneASecondAndTheNextOneTellsWhatWasLeftOut() {
        var limiter = LogRateLimiter()
        for _ in 0..<20 {
            #expect(limiter.judge("a", at: start) == .admit(suppressedBefore: 0))
        }
        for _ in 0..<7 { #expect(limiter.judge("a", at: start) == .suppress) }
        #expect(limiter.judge("b", at: start) == .admit(suppressedBefore: 0))
        let later = start.adding(milliseconds: 1000)
        #expect(limiter.judge("a", at: later) == .admit(suppressedBefore: 7))
        #expect(limiter.judge("a", at: later) == .suppress)
        // An hour of silence fills the bucket, and not more than that.
        let hour = start.adding(milliseconds: 3_600_000)
        #expect(limiter.judge("a", at: hour) == .admit(suppressedBefore: 1))
        for _ in 1..<20 { #expect(limiter.judge("a", at: hour) == .admit(suppressedBefore: 0)) }
        #expect(limiter.judge("a", at: hour) == .suppress)
    }

    @Test func whatIsSuppressedIsDueToBeToldAfterHalfAMinute() {
        var limiter = LogRateLimiter()
        #expect(limiter.nextReport == nil)
        for _ in 0..<25 { _ = limiter.judge("a", at: start) }
        let due = start.adding(milliseconds: 30_000)
        #expect(limiter.nextReport == due)
        #expect(limiter.takeOverdue(at: start.adding(milliseconds: 29_999)) == 0)
        #expect(limiter.takeOverdue(at: due) == 5)
        #expect(limiter.nextReport == nil)
        #expect(limiter.takeOverdue(at: due, all: true) == 0)
    }

    @Test func kindsBeyondTheLimitShareOneBucket() {
        var limiter = LogRateLimiter()
        var admitted = 0
        for number in 0..<10_000
        where limiter.judge("kind \(number)", at: start) != .suppress { admitted += 1 }
        #expect(admitted == LogRateLimiter.kindsMax + 20)
    }
}
