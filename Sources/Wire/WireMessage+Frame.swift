extension WireMessage {
    /// The frame with its newline in memory of its own, for those who have no ring to write into;
    /// `nil` when it is longer than a frame may be.
    public func frame() -> [UInt8]? {
        var room = 1024
        while true {
            if let bytes = frame(room) { return bytes }
            guard room < WireLimits.frameBytesMax else { return nil }
            room = min(16 * room, WireLimits.frameBytesMax)
        }
    }

    private func frame(_ room: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: room)
        var outcome = FrameOutcome.noRoom
        do {
            var span = bytes.mutableSpan
            // SAFETY: bytes have no invalid values.
            var writer = unsafe JSONWriter(span.mutableBytes)
            outcome = encode(into: &writer)
        }
        guard case .written(let byteCount) = outcome else { return nil }
        return Array(bytes[..<byteCount])
    }
}
