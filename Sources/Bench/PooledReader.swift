import Framing
import IOEngine
import Kernel
import Slabs

/// The way in of one of many connections: slabs that all of them share, and the lines in them.
final class PooledReader {
    let stream: Stream
    private let input: PooledInput
    private var scanner = FrameScanner(frameBytesMax: BenchLimits.lineBytesMax)
    private(set) var tally = LineReader.Tally()

    init(_ stream: Stream, _ pool: SlabPool) {
        self.stream = stream
        input = PooledInput(pool)
    }

    /// Counts the frames that are complete with the next `count` bytes, up to `framesMax` in all.
    ///
    /// - Returns: `false` when a long line found no room.
    func take(_ lease: consuming SlabLease, filled count: Int, upTo framesMax: UInt64) -> Bool {
        var scanner = scanner
        var tally = tally
        let isFine = input.take(lease, filled: count) { unread, _ in
            LineReader.count(in: unread, &scanner, &tally, framesMax)
        }
        self.scanner = scanner
        self.tally = tally
        return isFine
    }

    func end() { input.reset() }
}
