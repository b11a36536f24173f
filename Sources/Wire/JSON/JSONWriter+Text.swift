/// JSON as text, for what is no frame of a session: reports, and other programs' monitors.
extension JSONWriter {
    /// What `body` writes; `nil` when it does not fit into `bytesMax` bytes.
    public static func text(bytesMax: Int, _ body: (inout JSONWriter) -> Void) -> String? {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer -> Int? in
            // SAFETY: the writer does not outlive the closure.
            var writer = unsafe JSONWriter(MutableRawSpan(_unsafeBytes: buffer))
            body(&writer)
            return writer.overflowed ? nil : writer.count
        }
        return count.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }
}

extension JSONParser {
    /// Parses a text that was read otherwise than as a frame.
    ///
    /// - Throws: why it was refused; ``root`` is then missing.
    public mutating func parse(text: String) throws(JSONError) {
        let bytes = Array(text.utf8)
        // SAFETY: a byte array is initialised memory, and the span does not outlive it.
        try unsafe parse(bytes.span.bytes)
    }
}
