import Kernel
import Session
import Slabs

/// What a channel that keeps its data knows of the data ring.
///
/// First stand the frames that are kept until the other side says that they are safe, or else
/// frames that nobody will acknowledge: `loose` ones, let go of as they leave. Never both, so that
/// what is released stays one piece at the start.
struct KeptData {
    var cursor = RingCursor()
    /// The ring's position where the cursor's 0 stands.
    var base: UInt64 = 0
    /// Loose bytes that have not left.
    var looseBytes = 0
}

/// Data that is kept until it is acknowledged. The owner, which has the session, says what enters,
/// what may leave and what is let go of; the channel knows positions and frames.
///
/// Source: `Session.docc/Session.md`, "Wiring a guest to a send ring".
extension FrameChannel {
    private var cursor: RingCursor {
        guard let kept else { preconditionFailure("this channel keeps nothing") }
        return kept.cursor
    }

    /// Bytes that are kept, sent or not.
    public var keptBytes: Int { cursor.keptBytes - (kept?.looseBytes ?? 0) }
    /// Bytes free in the data ring.
    public var freeDataBytes: Int { data.freeBytes }
    public var mayGrant: Bool { cursor.mayGrant }
    /// Whether a control frame appended now leaves exactly before the next frame that is granted.
    public var isAtFrameStart: Bool { cursor.isAtFrameStart && writing != .data }
    /// Whether loose frames have not left: kept ones wait until then.
    public var hasLooseData: Bool { (kept?.looseBytes ?? 0) > 0 }

    /// Encodes one frame that is kept. It leaves once it is granted.
    ///
    /// - Returns: its bytes with the newline; 0 when it did not fit.
    public func append(kept encode: (consuming MutableRawSpan) -> Int) -> Int {
        precondition(!hasLooseData, "what nobody acknowledges stands before it")
        return enter(encode)
    }

    /// Encodes one frame that nobody acknowledges. It leaves at once and is not kept.
    ///
    /// - Returns: whether it fitted.
    public func append(loose encode: (consuming MutableRawSpan) -> Int) -> Bool {
        precondition(keptBytes == 0, "what is kept stands before it")
        let bytes = enter(encode)
        guard bytes > 0 else { return false }
        kept!.looseBytes += bytes
        kept!.cursor.grant(bytes)
        return true
    }

    private func enter(_ encode: (consuming MutableRawSpan) -> Int) -> Int {
        let start = data.position
        guard append(to: &data, encode) else { return 0 }
        let bytes = Int(data.position - start)
        kept!.cursor.append(bytes)
        return bytes
    }

    /// The next kept frame may leave.
    public func grant(_ bytes: Int) {
        kept!.cursor.grant(bytes)
    }

    /// The next kept frames are passed over.
    public func pass(_ bytes: Int) {
        kept!.cursor.pass(bytes)
        followCursor()
    }

    /// The first `bytes` that are kept need not be any longer.
    public func release(_ bytes: Int) {
        kept!.cursor.release(bytes)
        followCursor()
    }

    /// A new session with the same host: everything kept is unsent again, what control waits is
    /// dropped, and a lone newline ends the frame that had begun. While a write is in flight this
    /// happens when it has ended, and ``isSynchronized`` is `false` until then.
    public func restart() {
        guard writing == nil else {
            mustResync = true
            return
        }
        resync()
    }

    /// All frames that are kept, copied, and the ring emptied: to be appended again with other
    /// numbers. No write may be in flight.
    public func takeKept() -> [UInt8] {
        precondition(writing == nil && !hasLooseData)
        let first = data.releasedPosition
        let skipped = Int(kept!.base + cursor.target - first)
        let bytes = Self.copy(data, droppingFirst: skipped)
        kept!.cursor = RingCursor()
        kept!.base = data.position
        followCursor()
        unfinished = unfinished == .data ? nil : unfinished
        return bytes
    }

    private static func copy(
        _ ring: borrowing SendRing, droppingFirst skipped: Int
    ) -> [UInt8] {
        Array(copying: ring.held.extracting(droppingFirst: skipped))
    }

    /// The newest `bytes` that are kept, as they stand in the ring.
    public func withNewest(_ bytes: Int, _ body: (RawSpan) -> Void) {
        precondition(bytes <= keptBytes)
        Self.look(data, bytes, body)
    }

    private static func look(
        _ ring: borrowing SendRing, _ bytes: Int, _ body: (RawSpan) -> Void
    ) {
        let held = ring.held
        body(held.extracting((held.byteCount - bytes)..<held.byteCount))
    }

    // MARK: For the channel

    /// The port took `sent` bytes of the data ring.
    func keptLeft(_ sent: Int) {
        kept!.cursor.send(sent)
        if kept!.looseBytes > 0 {
            kept!.looseBytes -= sent
            kept!.cursor.release(sent)
        } else {
            departed += UInt64(sent)
        }
        followCursor()
    }

    /// Everything kept is unsent again. Of loose frames the one that was cut off is let go of, and
    /// the whole ones still leave.
    func rewindKept() {
        if unfinished == .data, kept!.looseBytes > 0 {
            let rest = Self.bytesToFrameEnd(data)
            kept!.looseBytes -= rest
            kept!.cursor.release(rest)
        }
        kept!.cursor.rewind()
        kept!.cursor.grant(kept!.looseBytes)
        followCursor()
    }

    private func followCursor() {
        let base = kept!.base
        let cursor = kept!.cursor
        moveLines(of: data, to: base + cursor.sent)
        data.move(released: base + cursor.released, sent: base + cursor.sent)
    }
}
