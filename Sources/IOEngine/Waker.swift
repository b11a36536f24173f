import CLinux
import Glibc
import Kernel

/// Ends an engine's wait from any thread.
///
/// It outlives the engine safely: a wake with nobody left to wake does nothing.
public final class Waker: Sendable {
    let event: FileDescriptor

    init() throws(EngineError) {
        let number = clinux_eventfd()
        guard number >= 0 else { throw EngineError(.event, .current) }
        event = FileDescriptor(owning: number)
    }

    /// The engine delivers ``Completion/woken`` once for this and all earlier calls that it has not
    /// delivered yet. Async-signal-safe, never blocks.
    public func wake() {
        var one: UInt64 = 1
        // SAFETY: eight bytes of a local. EAGAIN would mean 2^64 wakes not yet seen: still awake.
        _ = unsafe write(event.number, &one, 8)
    }

    /// Takes note of all wakes so far, so that the next one makes a new edge.
    func clear() {
        var count: UInt64 = 0
        // SAFETY: eight bytes into a local; EAGAIN when nothing is there, which is fine.
        _ = unsafe read(event.number, &count, 8)
    }
}
