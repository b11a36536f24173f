import Kernel

/// How many error replies may still be sent: at most ten in any second, and in all never more bytes
/// than came in, so that nobody can use the agent to make noise of little.
struct ReplyBudget {
    /// When each of the last replies was sent, in the order of a ring.
    private var times = [MonotonicTime?](repeating: nil, count: AgentLimits.errorRepliesPerSecond)
    /// The place of the oldest of them.
    private var oldest = 0
    private var bytesSent: UInt64 = 0
    /// Errors that were not answered.
    private(set) var suppressed: UInt64 = 0

    /// The largest reply that may be sent now, in bytes; 0 when none may.
    func bytesMax(receivedBytes: UInt64, at now: MonotonicTime) -> Int {
        if let time = times[oldest], now.nanoseconds(since: time) < 1_000_000_000 { return 0 }
        guard receivedBytes > bytesSent else { return 0 }
        return Int(clamping: receivedBytes - bytesSent)
    }

    mutating func sent(bytes: Int, at now: MonotonicTime) {
        times[oldest] = now
        oldest = (oldest + 1) % times.count
        bytesSent += UInt64(bytes)
    }

    mutating func suppress() {
        suppressed += 1
    }
}
