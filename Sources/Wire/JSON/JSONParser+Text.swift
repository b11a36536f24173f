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
