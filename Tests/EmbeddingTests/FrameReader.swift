import Framing
import IOEngine
import Kernel
import Slabs

/// Reads frames from a descriptor until its end, and shows each where it lies.
final class FrameReader {
    private let engine: IOEngine
    private let stream: Stream
    private var ring: ReceiveRing
    private var scanner = FrameScanner()
    private var isClosed = false

    /// The descriptor must not block: see `FileDescriptor.setNonBlocking()`.
    init(_ descriptor: consuming FileDescriptor) throws {
        engine = try IOEngine(.automatic)
        ring = try ReceiveRing()
        engine.register(&ring)
        stream = try engine.attach(descriptor, .socket)
    }

    /// Runs on the calling thread. The span is valid for one call of `body`.
    func run(_ body: (RawSpan) -> Void) {
        startRead()
        while !isClosed {
            engine.turn { completion in
                switch consume completion {
                case .read(_, let lease, let transfer): take(lease, transfer, body)
                case .written(_, let lease, _): lease.abandon()
                case .closed: isClosed = true
                default: break
                }
            }
        }
    }

    private func startRead() {
        // Never nil: what is consumed after each read leaves room for the longest frame.
        guard let lease = ring.leaseFree(bytesMax: EngineLimits.readBytesMax) else { return }
        engine.read(stream, into: lease)
    }

    private func take(_ lease: consuming SlabLease, _ transfer: Transfer, _ body: (RawSpan) -> Void)
    {
        guard case .bytes(let count) = transfer, count > 0 else {
            // The end, or an error. The lease goes back even so.
            ring.commit(lease, filled: 0)
            return engine.close(stream)
        }
        ring.commit(lease, filled: count)
        let consumed = Self.scan(ring.unread, &scanner, body)
        ring.consume(consumed)
        startRead()
    }

    /// How many bytes are done with; the rest is the start of a frame.
    private static func scan(
        _ unread: RawSpan, _ scanner: inout FrameScanner, _ body: (RawSpan) -> Void
    ) -> Int {
        var position = 0
        while true {
            let rest = unread.extracting(droppingFirst: position)
            switch scanner.next(rest) {
            case .frame(let frame):
                body(rest.extracting(frame.bytes))
                position += frame.consumed
            case .overlong(_, let consumed): position += consumed
            case .incomplete(let consumed): return position + consumed
            }
        }
    }
}
