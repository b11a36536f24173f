public import CLinux

/// Finds the frames in a stream that is shown to it piece by piece.
public struct FrameScanner: Sendable {
    /// What stands at the start of the bytes that were shown.
    public enum Step: Equatable, Sendable {
        /// A frame, without its newline and without a carriage return before that.
        case frame(Frame)
        /// A line that passed the cap ends here: `bytes` in all with its newline, over whatever
        /// time it came in. Told once a line.
        case overlong(bytes: UInt64, consumed: Int)
        /// No newline yet. `consumed` bytes belong to a line that is being skipped and are done
        /// with; the rest is the start of a frame.
        case incomplete(consumed: Int)
    }

    public struct Frame: Equatable, Sendable {
        /// Where the frame lies in the bytes that were shown.
        public let bytes: Range<Int>
        /// How many of them are done with: the frame, its line end, and the empty lines before it.
        public let consumed: Int

        @inlinable init(bytes: Range<Int>, consumed: Int) {
            self.bytes = bytes
            self.consumed = consumed
        }
    }

    public let frameBytesMax: Int
    /// Bytes at the start of what is not consumed that are known to hold no newline.
    @usableFromInline var scannedBytes = 0
    /// Bytes of the line that is being skipped so far; `nil` when none is.
    @usableFromInline var skippedBytes: UInt64?

    /// - Parameter frameBytesMax: the longest frame with its newline, at least 2 bytes. The memory
    ///   that the bytes are shown from must hold that many.
    public init(frameBytesMax: Int = FramingLimits.frameBytesMax) {
        precondition(frameBytesMax >= 2)
        self.frameBytesMax = frameBytesMax
    }

    /// Whether the end of a line that passed the cap is still to come.
    public var isSkipping: Bool { skippedBytes != nil }

    /// The first step in `unread`, whose start is the first byte that was not consumed yet.
    @inlinable @inline(__always)
    public mutating func next(_ unread: borrowing RawSpan) -> Step {
        // A whole line without a carriage return, as nearly all are, is found without a call into
        // this module.
        guard skippedBytes == nil, scannedBytes == 0 else { return step(unread) }
        guard let newline = FrameScanner.newline(in: unread, from: 0) else {
            scannedBytes = unread.byteCount
            return step(unread)
        }
        guard newline > 0, newline < frameBytesMax, !isReturn(unread, newline - 1) else {
            scannedBytes = newline
            return step(unread)
        }
        return .frame(Frame(bytes: 0..<newline, consumed: newline + 1))
    }

    /// The step whatever the line: empty, with a carriage return, too long, begun or skipped.
    @usableFromInline
    mutating func step(_ unread: borrowing RawSpan) -> Step {
        if skippedBytes != nil { return skip(unread) }
        var start = 0
        while true {
            // What was scanned before is the start of the first line only.
            let from = max(start, scannedBytes)
            guard let newline = FrameScanner.newline(in: unread, from: from) else { break }
            scannedBytes = 0
            let end = newline + 1
            guard end - start <= frameBytesMax else {
                return .overlong(bytes: UInt64(end - start), consumed: end)
            }
            let hasReturn = newline > start && isReturn(unread, newline - 1)
            let frame = start..<(hasReturn ? newline - 1 : newline)
            if !frame.isEmpty { return .frame(Frame(bytes: frame, consumed: end)) }
            start = end
        }
        let held = unread.byteCount - start
        // A line without its newline that has as many bytes as a whole frame may have is too long.
        if held >= frameBytesMax {
            skippedBytes = UInt64(held)
            scannedBytes = 0
            return .incomplete(consumed: unread.byteCount)
        }
        scannedBytes = held
        return .incomplete(consumed: start)
    }

    /// Gives up the frame that has begun: what there is of it, `heldBytes` not consumed yet, and
    /// what will come up to its newline is skipped, and then told as over-long.
    ///
    /// - Returns: how many bytes are done with.
    public mutating func abandonPartialFrame(heldBytes: Int) -> Int {
        guard skippedBytes == nil, heldBytes > 0 else { return 0 }
        skippedBytes = UInt64(heldBytes)
        scannedBytes = 0
        return heldBytes
    }

    /// Forgets everything: another stream begins.
    public mutating func reset() {
        self = FrameScanner(frameBytesMax: frameBytesMax)
    }

    private mutating func skip(_ unread: borrowing RawSpan) -> Step {
        guard let newline = FrameScanner.newline(in: unread, from: 0) else {
            skippedBytes! += UInt64(unread.byteCount)
            return .incomplete(consumed: unread.byteCount)
        }
        let total = skippedBytes! + UInt64(newline + 1)
        skippedBytes = nil
        return .overlong(bytes: total, consumed: newline + 1)
    }

    @inlinable func isReturn(_ bytes: borrowing RawSpan, _ offset: Int) -> Bool {
        clinux_find_byte(bytes.extracting(offset..<(offset + 1)), 0x0d) == 0
    }

    @inlinable static func newline(in bytes: borrowing RawSpan, from start: Int) -> Int? {
        guard start < bytes.byteCount else { return nil }
        let rest = bytes.extracting(droppingFirst: start)
        let found = clinux_find_byte(rest, 0x0a)
        return found < 0 ? nil : start + found
    }
}

extension FrameScanner {
    /// Bytes of the first line with its newline, `nil` when there is none.
    public static func lineBytes(in bytes: borrowing RawSpan) -> Int? {
        newline(in: bytes, from: 0).map { $0 + 1 }
    }

    /// How many newlines there are.
    public static func lineCount(in bytes: borrowing RawSpan) -> Int {
        var count = 0
        var start = 0
        while let found = newline(in: bytes, from: start) {
            count += 1
            start = found + 1
        }
        return count
    }
}
