public import IOEngine
public import Kernel

/// Whether a host is at the other end of a virtio port. Pure: what was seen goes in, what changed comes out.
///
/// Edges only wake: quick changes merge, so the state is what poll(2) says after each of them. HUP means
/// that no host is connected, whatever else is said.
///
/// A host that left and returned between two looks leaves one OUT edge behind and nothing else. Such an
/// edge also comes when the host has taken what was written, because the driver then wakes everybody: at
/// most one for each write, soon after it. So an OUT edge tells of a new host when there are no writes
/// left that it could belong to, or when the last one was long ago. A host that reads slowly can look
/// like a new one by that; it then gets a greeting too many, which costs less than a new one that gets
/// none. A host that asks for the greeting leaves no doubt.
///
/// Source: drivers/char/virtio_console.c, port_fops_poll, out_intr and handle_control_message.
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
    /// Writes whose OUT edge has not come yet, as far as is known.
    private var writesUnanswered = 0
    private var lastWrite = MonotonicTime(nanoseconds: 0)

    public init() {}

    /// An edge came, and poll(2) said `now` afterwards.
    public mutating func edge(
        _ edges: Edges, now: Edges, isWriteInFlight: Bool, at moment: MonotonicTime
    ) -> Change {
        guard edges.contains(.output), !edges.contains(.hangUp) else {
            return settle(now, isNewHost: edges.contains(.hangUp))
        }
        let answerNanoseconds = PortLimits.writeAnswerMilliseconds * 1_000_000
        let isLate = moment.nanoseconds(since: lastWrite) > answerNanoseconds
        let isUnexplained = writesUnanswered == 0 || isLate
        writesUnanswered = isLate ? 0 : max(0, writesUnanswered - 1)
        // IN beside OUT is data: the driver woke us for that. A parked write waits for this very edge.
        let isNewHost = isUnexplained && !isWriteInFlight && !edges.contains(.input)
        return settle(now, isNewHost: isNewHost)
    }

    /// A read gave 0, which means that no host was there at that moment.
    public mutating func readZero(now: Edges) -> Change {
        settle(now, isNewHost: true)
    }

    /// A write was refused with EAGAIN instead of waiting, which means the same.
    public mutating func writeRefused(now: Edges) -> Change {
        settle(now, isNewHost: true)
    }

    /// Without an edge: what poll(2) says, as when the port was just opened.
    public mutating func look(now: Edges) -> Change {
        settle(now, isNewHost: false)
    }

    /// One write was taken by the driver.
    public mutating func wrote(at moment: MonotonicTime) {
        writesUnanswered += 1
        lastWrite = moment
    }

    private mutating func settle(_ now: Edges, isNewHost: Bool) -> Change {
        let isHere = !now.contains(.hangUp)
        switch (state, isHere) {
        case (.present, true): return isNewHost ? .replaced : .none
        case (.present, false):
            state = .absent
            return .left
        case (_, true):
            state = .present
            // The first edge after opening or arriving is the arrival's own.
            writesUnanswered = 1
            return .arrived
        case (_, false):
            state = .absent
            return .none
        }
    }
}
