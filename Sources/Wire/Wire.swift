/// A message that writes itself as one frame, straight into bytes that somebody else owns.
///
/// ```swift
/// var writer = JSONWriter(room)
/// let message = KeepAlive(sequenceNumber: 4, wallMilliseconds: now)
/// guard case .written(let byteCount) = message.encode(into: &writer) else { return .full }
///
/// try parser.parse(frame)
/// switch HostMessage(parser.root) {
/// case .keepAliveRequest(let request): ...
/// }
/// ```
///
/// Source: protocol, "Frames" and "Dialect".
public protocol WireMessage {
    /// Writes the members of the message's object, `type` first.
    func encodeMembers(into writer: inout JSONWriter)
}

/// Whether a frame was written.
public enum FrameOutcome: Hashable, Sendable {
    /// `byteCount` bytes, the newline among them.
    case written(byteCount: Int)
    /// It does not fit into the room, or is over a limit of ``WireLimits``. Nothing was written:
    /// the writer is where it was.
    case noRoom
}

extension WireMessage {
    /// Writes one frame: the object and its newline, or nothing at all.
    public func encode(into writer: inout JSONWriter) -> FrameOutcome {
        let start = writer.beginFrame()
        encodeMembers(into: &writer)
        return writer.endFrame(start)
    }
}

extension JSONWriter {
    mutating func beginFrame() -> Mark {
        let start = mark
        beginObject()
        return start
    }

    mutating func endFrame(_ start: Mark) -> FrameOutcome {
        endObject()
        newline()
        let byteCount = count - start.count
        if !overflowed, byteCount <= WireLimits.frameBytesMax,
            tokens - start.tokens <= WireLimits.tokensMax
        {
            return .written(byteCount: byteCount)
        }
        rewind(to: start)
        return .noRoom
    }
}
