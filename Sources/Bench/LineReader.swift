import Framing
import IOEngine
import Kernel
import Slabs

/// The way in of one connection: a ring that the kernel fills, and the lines in it.
final class LineReader {
    struct Tally {
        var frames: UInt64 = 0
        /// Bytes of these frames with their line ends.
        var bytes: UInt64 = 0
        /// Lines over the cap, skipped.
        var overlong: UInt64 = 0
    }

    private let engine: IOEngine
    let stream: Stream
    private var ring: ReceiveRing
    private var scanner: FrameScanner
    private(set) var tally = Tally()
    /// Bytes that the ring moved.
    var movedBytes: UInt64 { ring.movedBytes }

    /// - Parameters:
    ///   - slabs: of the ring; the longest line is what fits in it, and 1 MiB at most.
    ///   - registers: whether the ring is introduced to the engine.
    init(_ engine: IOEngine, _ stream: Stream, slabs: Int, registers: Bool) throws(ProgramFailure) {
        self.engine = engine
        self.stream = stream
        do {
            ring = try ReceiveRing(slabCount: slabs, isPopulated: registers)
        } catch {
            throw .memory(error)
        }
        scanner = FrameScanner(
            frameBytesMax: min(BenchLimits.lineBytesMax, ring.capacityBytes))
        if registers { engine.register(&ring) }
    }

    /// Starts a read if none is in flight and there is room.
    func startRead() {
        guard let lease = ring.leaseFree(bytesMax: BenchLimits.readBytesMax) else { return }
        engine.read(stream, into: lease)
    }

    /// A read ended: `false` when nothing more will come.
    func take(_ lease: consuming SlabLease, _ transfer: Transfer) -> Bool {
        guard case .bytes(let count) = transfer, count > 0 else {
            ring.commit(lease, filled: 0)
            return false
        }
        ring.commit(lease, filled: count)
        return true
    }

    /// Counts the frames that have come and lets go of them, up to `framesMax` in all.
    func countFrames(upTo framesMax: UInt64) {
        Self.count(&ring, &scanner, &tally, framesMax)
    }

    private static func count(
        _ ring: inout ReceiveRing, _ scanner: inout FrameScanner, _ tally: inout Tally,
        _ framesMax: UInt64
    ) {
        ring.consume(count(in: ring.unread, &scanner, &tally, framesMax))
    }

    static func count(
        in unread: RawSpan, _ scanner: inout FrameScanner, _ tally: inout Tally,
        _ framesMax: UInt64
    ) -> Int {
        var position = 0
        while tally.frames < framesMax {
            switch scanner.next(unread.extracting(droppingFirst: position)) {
            case .frame(let frame):
                tally.frames += 1
                tally.bytes += UInt64(frame.consumed)
                position += frame.consumed
            case .overlong(_, let consumed):
                tally.overlong += 1
                position += consumed
            case .incomplete(let consumed): return position + consumed
            }
        }
        return position
    }

    /// Shows each line that has come, with its line end and the empty lines before it, until `body`
    /// answers `false`: that line and what follows stay.
    ///
    /// - Returns: whether all of them were taken.
    func forEachLine(_ body: (RawSpan) -> Bool) -> Bool {
        Self.lines(&ring, &scanner, &tally, body)
    }

    private static func lines(
        _ ring: inout ReceiveRing, _ scanner: inout FrameScanner, _ tally: inout Tally,
        _ body: (RawSpan) -> Bool
    ) -> Bool {
        let (consumed, isAll) = lines(in: ring.unread, &scanner, &tally, body)
        ring.consume(consumed)
        return isAll
    }

    private static func lines(
        in unread: RawSpan, _ scanner: inout FrameScanner, _ tally: inout Tally,
        _ body: (RawSpan) -> Bool
    ) -> (Int, Bool) {
        var position = 0
        while true {
            let rest = unread.extracting(droppingFirst: position)
            switch scanner.next(rest) {
            case .frame(let frame):
                guard body(rest.extracting(first: frame.consumed)) else { return (position, false) }
                tally.frames += 1
                tally.bytes += UInt64(frame.consumed)
                position += frame.consumed
            case .overlong(_, let consumed):
                tally.overlong += 1
                position += consumed
            case .incomplete(let consumed): return (position + consumed, true)
            }
        }
    }
}
