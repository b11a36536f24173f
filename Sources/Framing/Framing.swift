/// Frames on a byte stream: a frame is what stands before a newline.
///
/// Pure: bytes in, ranges out. The scanner copies nothing and keeps no byte; what it has not
/// finished with must be shown to it again, with more behind it.
///
/// ```swift
/// var scanner = FrameScanner()
/// while true {
///     switch scanner.next(ring.unread) {
///     case .frame(let frame):
///         use(ring.unread.extracting(frame.bytes))
///         ring.consume(frame.consumed)
///     case .overlong(let bytes, let consumed): report(bytes); ring.consume(consumed)
///     case .incomplete(let consumed): ring.consume(consumed); return
///     }
/// }
/// ```
///
/// Source: protocol, "Frames".
public enum FramingLimits {
    /// Bytes in a frame with its newline. A longer one is skipped up to its newline.
    public static let frameBytesMax = 1_048_576

    /// How long a frame may stay without its newline, in milliseconds, before what came of it is
    /// given up and the rest skipped.
    public static let partialFrameMillisecondsMax: UInt64 = 30_000
}
