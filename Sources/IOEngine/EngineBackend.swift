import CLinux
import Kernel
import Slabs

/// Which engine runs.
public enum EngineKind: String, Sendable {
    case uring
    case epoll
}

/// What the two engines have in common. The face has put the lease into the stream's slot before it
/// calls; the engine takes it out again when the request ends.
protocol EngineBackend: AnyObject {
    var kind: EngineKind { get }
    var counters: IOEngine.Counters { get }

    func attach(_ index: Int) throws(EngineError)
    func startRead(_ index: Int)
    func startWrite(_ index: Int)
    func startWatch(_ index: Int)
    func startClose(_ index: Int)
    /// Streams that receive share these slabs.
    func share(_ pool: SlabPool) throws(EngineError)
    /// Reads into slabs of the pool's until the stream ends.
    func startReceive(_ index: Int)
    /// Data is there, and its wake-up may have been used up by a poll(2) of ours.
    func tryReadAgain(_ index: Int)
    /// The same for room for a write.
    func tryWriteAgain(_ index: Int)
    /// Registers one region under `bufferIndex`: whether requests may name it from here on.
    func register(_ region: SlabRegion, bufferIndex: Int) throws(Errno)
    /// Whether requests use registered memory at all.
    func useRegisteredBuffers(_ isOn: Bool)
    func wait(until deadline: MonotonicTime?, _ deliver: (consuming Completion) -> Void)
    /// Ends everything, so that the kernel touches no memory of ours any more.
    func shutDown()
}

/// poll(2) without waiting. A descriptor that poll itself refuses counts as hung up.
func pollNow(_ number: Int32) -> Edges {
    let events = Edges([.input, .output, .peerClosedWriting])
    let ready = clinux_poll_now(number, Int32(bitPattern: events.rawValue))
    return ready < 0 ? .hangUp : Edges(rawValue: UInt32(ready))
}

func ignoreBrokenPipes() {
    clinux_ignore_sigpipe()
    clinux_ignore_sigxfsz()
}
