import Framing
import Slabs

/// How many lines left, without a look at what leaves: each is counted as it is appended, and what
/// waits is looked at only when somebody asks.
extension FrameChannel {
    /// Frames whose newline has left, each time that it did, and the lone newline at each arrival
    /// of a host. Looks at all that waits to leave.
    public var linesSent: UInt64 {
        let inEarlier = earlier == nil ? 0 : Self.lines(earlier!.ring)
        let waiting = UInt64(Self.lines(control) + Self.lines(data) + inEarlier)
        assert(waiting <= linesEntered, "lines wait that were not appended")
        return linesEntered - min(waiting, linesEntered)
    }

    private static func lines(_ ring: borrowing SendRing) -> Int {
        FrameScanner.lineCount(in: ring.unsent)
    }

    /// Passes over the first `bytes` that have not left.
    func drop(_ bytes: Int, of ring: inout SendRing) {
        forget(lines: FrameScanner.lineCount(in: ring.unsent.extracting(first: bytes)))
        ring.skip(bytes)
        ring.releaseSent()
    }

    /// The next byte to leave will be the one at `position`: what lies between is passed over, or
    /// leaves once more.
    func moveLines(of ring: borrowing SendRing, to position: UInt64) {
        guard position != ring.sentPosition else { return }
        let first = Int(min(position, ring.sentPosition) - ring.releasedPosition)
        let end = Int(max(position, ring.sentPosition) - ring.releasedPosition)
        let lines = FrameScanner.lineCount(in: ring.held.extracting(first..<end))
        forget(lines: position > ring.sentPosition ? lines : -lines)
    }
}
