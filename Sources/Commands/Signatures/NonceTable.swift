import Kernel

/// The nonces of the last ten minutes, each taken once.
struct NonceTable: Sendable {
    private struct Seen {
        let nonce: String
        let signedAt: Int64
        let takenAt: BootTime
    }

    private var known: Set<String> = []
    /// In the order in which they came; those before `first` are forgotten.
    private var order: [Seen] = []
    private var first = 0
    /// What is signed at or before this moment may be one that was forgotten: a wall clock that was
    /// set back must not bring it into the window again.
    private var forgottenUpTo = Int64.min

    mutating func take(
        _ nonce: String, signedAt milliseconds: Int64, at now: BootTime
    ) -> EnvelopeRefusal? {
        forget(before: now)
        guard nonce.utf8.count <= EnvelopeLimits.nonceBytesMax else { return .malformed }
        guard milliseconds > forgottenUpTo, !known.contains(nonce) else { return .replayed }
        guard known.count < EnvelopeLimits.noncesMax else { return .tableFull }
        known.insert(nonce)
        order.append(Seen(nonce: nonce, signedAt: milliseconds, takenAt: now))
        return nil
    }

    private mutating func forget(before now: BootTime) {
        while first < order.count,
            now.milliseconds(since: order[first].takenAt) > EnvelopeLimits.nonceMilliseconds
        {
            known.remove(order[first].nonce)
            forgottenUpTo = max(forgottenUpTo, order[first].signedAt)
            first += 1
        }
        guard first > 1024, first > order.count / 2 else { return }
        order.removeFirst(first)
        first = 0
    }
}
