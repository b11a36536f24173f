/// JSON in memory of its own, for those who have no ring to write into.
public enum JSONText {
    /// What `body` wrote, or `nil` when it did not fit into `bytesMax` bytes. For one that leaves
    /// out what it has no room for: unlike with ``make(bytesMax:_:)`` all of the room is there.
    public static func written(
        bytesMax: Int, _ body: (inout JSONWriter) -> Void
    ) -> String? {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var byteCount: Int?
        do {
            var span = bytes.mutableSpan
            var writer = JSONWriter(MutableRawSpan(_elements: &span))
            body(&writer)
            if !writer.overflowed { byteCount = writer.count }
        }
        return byteCount.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }
}

extension WireMessage {
    /// The message as one line of text without its newline; `nil` when it is longer than a frame.
    public var text: String? {
        JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            writer.beginObject()
            encodeMembers(into: &writer)
            writer.endObject()
        }
    }
}

extension JSONText {
    /// A text as a JSON string, with its quotes: for objects that people's commands put together.
    public static func quoted(_ text: String) -> String {
        // Six bytes for each that has to be escaped: there is always room.
        make(bytesMax: 6 * text.utf8.count + 2) { $0.value(text) }!
    }
}
