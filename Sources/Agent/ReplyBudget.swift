import Kernel

/// How many error replies may still be sent: at most ten a second, and in all never more bytes than
/// came in, so that nobody can use the agent to make noise of little.
struct ReplyBudget {
    private var secondStart = MonotonicTime(nanoseconds: 0)
    private var repliesInSecond = 0
    private var bytesSent: UInt64 = 0
    /// Errors that were not answered.
    private(set) var suppressed: UInt64 = 0

    /// The largest reply that may be sent now, in bytes; 0 when none may.
    mutating func bytesMax(receivedBytes: UInt64, at now: MonotonicTime) -> Int {
        if now.nanoseconds(since: secondStart) >= 1_000_000_000 {
            secondStart = now
            repliesInSecond = 0
        }
        guard repliesInSecond < AgentLimits.errorRepliesPerSecond, receivedBytes > bytesSent else {
            return 0
        }
        return Int(clamping: receivedBytes - bytesSent)
    }

    mutating func sent(bytes: Int) {
        repliesInSecond += 1
        bytesSent += UInt64(bytes)
    }

    mutating func suppress() {
        suppressed += 1
    }
}
