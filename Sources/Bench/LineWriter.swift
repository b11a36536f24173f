import CLinux
import IOEngine
import Kernel
import Slabs

/// The way out of one connection: a ring that the kernel sends from.
final class LineWriter {
    private let engine: IOEngine
    let stream: Stream
    private var ring: SendRing
    private(set) var bytesSent: UInt64 = 0

    init(_ engine: IOEngine, _ stream: Stream, slabs: Int, registers: Bool) throws(ProgramFailure) {
        self.engine = engine
        self.stream = stream
        do {
            ring = try SendRing(slabCount: slabs, isPopulated: registers)
        } catch {
            throw .memory(error)
        }
        if registers { engine.register(&ring) }
    }

    var freeBytes: Int { ring.freeBytes }
    var unsentBytes: Int { ring.unsentBytes }
    var isWriting: Bool { ring.isInFlight }

    /// Copies `bytes` behind what waits: `false` when they do not fit.
    func append(_ bytes: RawSpan) -> Bool {
        guard bytes.byteCount <= ring.freeBytes else { return false }
        Self.append(bytes, to: &ring)
        return true
    }

    private static func append(_ bytes: RawSpan, to ring: inout SendRing) {
        var space = ring.free()
        clinux_copy(&space, bytes)
        ring.append(bytes.byteCount)
    }

    /// What lies in the free part is what was sent before: the next `count` bytes of it go out
    /// again.
    func appendAgain(_ count: Int) {
        ring.append(count)
    }

    /// Starts a write if something waits and none is in flight: up to four requests of 32 KiB,
    /// linked, in one system call.
    func startWrite() {
        guard let lease = ring.leaseUnsent(bytesMax: EngineLimits.writeBytesMax) else { return }
        engine.write(stream, from: lease)
    }

    /// A write ended: `false` when nothing more can be sent.
    func take(_ lease: consuming SlabLease, _ transfer: Transfer) -> Bool {
        guard case .bytes(let count) = transfer else {
            ring.complete(lease, sent: 0)
            return false
        }
        ring.complete(lease, sent: count)
        ring.releaseSent()
        bytesSent += UInt64(count)
        return true
    }
}
