public import IOEngine
public import Kernel

/// Whether a host is at the other end of a virtio port. Pure: what was seen goes in, what changed
/// comes out.
///
/// Edges only wake: quick changes merge, so the state is what poll(2) says after each of them. HUP
/// means that no host is connected, whatever else is said.
///
/// A host that left and returned between two looks leaves one OUT edge behind. The same edge comes
/// when QEMU has taken what was written, so it proves nothing. The driver's signals do: it sends
/// one when the host leaves, one when one arrives and one when data has come, but none for what was
/// taken. Each signal for data has at least one read that gave data, so signals beyond those reads
/// are a change of host. The read may still be on its way through the engine while the edge is
/// looked at; so the edge raises a suspicion, and the suspicion is settled a moment later.
///
/// The driver wakes whoever waits before it sends the signal, also when a host arrives: an arrival
/// whose signal was not there yet explains one that comes within a moment.
///
/// Several buffers of data can share a signal, so a host that is replaced unseen, in the same
/// moment as much data comes, can be taken for the old one. A host that asks for the handshake
/// leaves no doubt.
///
/// Source: drivers/char/virtio_console.c: port_fops_poll, in_intr, out_intr,
/// handle_control_message; Tests/VirtualMachine/test_facts.py shows each of these on a real port.
public struct Presence: Sendable {
    public enum State: Sendable {
        case unknown
        case absent
        case present
    }

    public enum Change: Equatable, Sendable {
        case none
        case arrived
        case left
        /// One host left and another one, or the same again, is there.
        case replaced
    }

    public private(set) var state = State.unknown
    /// Signals, and reads that gave data, since they were last weighed against each other.
    private var signals = 0
    private var reads = 0
    /// Reads before that which had no signal of their own yet.
    private var credit = 0
    private var lastRead = MonotonicTime(nanoseconds: 0)
    /// When a host arrived whose signal has not been seen.
    private var unsignalledArrival: MonotonicTime?
    /// An edge came with more signals than reads explain so far.
    public private(set) var isSuspicious = false

    public init() {}

    /// An edge came, poll(2) said `now` afterwards, and `newSignals` had come since the edge
    /// before.
    public mutating func edge(
        _ edges: Edges, now: Edges, newSignals: Int, at moment: MonotonicTime
    ) -> Change {
        if edges.contains(.hangUp) || now.contains(.hangUp) {
            return settle(now, isNewHost: true, at: moment)
        }
        signals += newSignals
        expireCredit(at: moment)
        if state == .present, signals > explained {
            isSuspicious = true
        } else {
            weigh()
        }
        let change = settle(now, isNewHost: false, at: moment)
        if change == .arrived, newSignals > 0 { unsignalledArrival = nil }
        return change
    }

    /// Signals that something is known for.
    private var explained: Int { reads + credit + (unsignalledArrival == nil ? 0 : 1) }

    /// A read gave data.
    public mutating func read(at moment: MonotonicTime) {
        reads += 1
        lastRead = moment
        expireArrival(at: moment)
        if isSuspicious, signals <= explained { isSuspicious = false }
    }

    /// Signals were counted while data came in and no edge was there to be judged.
    public mutating func signalled(_ newSignals: Int) {
        signals += newSignals
        if signals <= explained { weigh() }
    }

    /// A moment has passed since an edge raised a suspicion, and `newSignals` came meanwhile.
    public mutating func settleSuspicion(
        now: Edges, newSignals: Int, at moment: MonotonicTime
    ) -> Change {
        signals += newSignals
        expireCredit(at: moment)
        let isNewHost = isSuspicious && signals > explained
        weigh()
        return settle(now, isNewHost: isNewHost, at: moment)
    }

    /// Begins to count anew. Reads stay in credit: the driver wakes the reader before it sends the
    /// signal, so that several can be on their way while data streams in.
    private mutating func weigh() {
        if signals > reads + credit { unsignalledArrival = nil }
        credit = max(0, reads + credit - signals)
        reads = 0
        signals = 0
        isSuspicious = false
    }

    /// A signal that comes long after the last read is not its. Of several buffers that shared one
    /// signal the credit would otherwise hide a change of host.
    private mutating func expireCredit(at moment: MonotonicTime) {
        if isLate(moment, since: lastRead) { credit = min(1, credit) }
        expireArrival(at: moment)
    }

    private mutating func expireArrival(at moment: MonotonicTime) {
        if let arrival = unsignalledArrival, isLate(moment, since: arrival) {
            unsignalledArrival = nil
        }
    }

    private func isLate(_ moment: MonotonicTime, since earlier: MonotonicTime) -> Bool {
        moment.nanoseconds(since: earlier) > PortLimits.lateSignalMilliseconds * 1_000_000
    }

    /// A read gave 0, which means that no host was there at that moment.
    public mutating func readZero(now: Edges, at moment: MonotonicTime) -> Change {
        settle(now, isNewHost: true, at: moment)
    }

    /// A write was refused with EAGAIN instead of waiting, which means the same.
    public mutating func writeRefused(now: Edges, at moment: MonotonicTime) -> Change {
        settle(now, isNewHost: true, at: moment)
    }

    /// Without an edge: what poll(2) says, as when the port was just opened.
    public mutating func look(now: Edges, at moment: MonotonicTime) -> Change {
        settle(now, isNewHost: false, at: moment)
    }

    private mutating func settle(
        _ now: Edges, isNewHost: Bool, at moment: MonotonicTime
    ) -> Change {
        if isNewHost || now.contains(.hangUp) {
            // All signals so far belong to what is known by now.
            signals = 0
            reads = 0
            credit = 0
            isSuspicious = false
            unsignalledArrival = nil
        }
        let isHere = !now.contains(.hangUp)
        if isHere, isNewHost || state != .present { unsignalledArrival = moment }
        switch (state, isHere) {
        case (.present, true): return isNewHost ? .replaced : .none
        case (.present, false):
            state = .absent
            return .left
        case (_, true):
            state = .present
            return .arrived
        case (_, false):
            state = .absent
            return .none
        }
    }
}
