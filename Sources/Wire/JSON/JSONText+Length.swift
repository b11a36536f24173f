/// Texts as long as they are, and how long a text becomes as a JSON string.
extension JSONText {
    /// What `body` writes; `nil` when it is longer than `bytesMax`. `body` may be called more than
    /// once.
    public static func make(bytesMax: Int, _ body: (inout JSONWriter) -> Void) -> String? {
        var bytes = [UInt8](repeating: 0, count: min(bytesMax, 4096))
        while true {
            var span = bytes.mutableSpan
            // SAFETY: every bit pattern is a byte.
            var writer = JSONWriter(unsafe span.mutableBytes)
            body(&writer)
            let (count, overflowed) = (writer.count, writer.overflowed)
            if !overflowed { return String(decoding: bytes[..<count], as: UTF8.self) }
            guard bytes.count < bytesMax else { return nil }
            bytes = [UInt8](repeating: 0, count: min(bytesMax, bytes.count * 8))
        }
    }

    /// Bytes of `utf8` between the quotes.
    public static func escapedBytes(of utf8: some Sequence<UInt8>) -> Int {
        utf8.reduce(0) { $0 + escapedBytes(of: $1) }
    }

    /// The same of one byte, as ``JSONWriter`` writes it.
    @inline(__always)
    public static func escapedBytes(of byte: UInt8) -> Int {
        switch byte {
        case 0x22, 0x5C, 0x08, 0x09, 0x0A, 0x0C, 0x0D: 2
        case 0x00..<0x20: 6
        default: 1
        }
    }

    /// As much of the start of `text` as takes `bytesMax` bytes when written, cut between
    /// characters.
    public static func prefix(of text: String, escapedBytesMax bytesMax: Int) -> Substring {
        var bytes = 0
        let scalars = text.unicodeScalars
        let end = scalars.firstIndex { scalar in
            bytes +=
                scalar.isASCII ? escapedBytes(of: UInt8(scalar.value)) : UTF8.width(scalar)
            return bytes > bytesMax
        }
        return text[..<(end ?? text.endIndex)]
    }
}
