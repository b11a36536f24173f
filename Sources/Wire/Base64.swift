/// Bytes as text and back, the alphabet with `+` and `/` and with padding. Source: RFC 4648, 4.
public enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var iterator = bytes.makeIterator()
        while let first = iterator.next() {
            let second = iterator.next()
            let third = second == nil ? nil : iterator.next()
            let word =
                UInt32(first) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
            text.append(alphabet[Int(word >> 18)])
            text.append(alphabet[Int(word >> 12 & 63)])
            text.append(second == nil ? UInt8(ascii: "=") : alphabet[Int(word >> 6 & 63)])
            text.append(third == nil ? UInt8(ascii: "=") : alphabet[Int(word & 63)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for anything that ``encode(_:)`` does not write: other letters, missing padding, or
    /// bits behind the last byte.
    public static func decode(_ text: String) -> [UInt8]? {
        let utf8 = Array(text.utf8)
        guard utf8.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count / 4 * 3)
        for start in stride(from: 0, to: utf8.count, by: 4) {
            let isLast = start + 4 == utf8.count
            var padding = 0
            if isLast, utf8[start + 3] == UInt8(ascii: "=") {
                padding = utf8[start + 2] == UInt8(ascii: "=") ? 2 : 1
            }
            var word: UInt32 = 0
            for place in 0..<4 - padding {
                guard let digit = digit(utf8[start + place]) else { return nil }
                word |= digit << UInt32(18 - 6 * place)
            }
            bytes.append(UInt8(word >> 16))
            if padding < 2 { bytes.append(UInt8(word >> 8 & 0xff)) }
            if padding < 1 { bytes.append(UInt8(word & 0xff)) }
            let left: UInt32 = padding == 2 ? word & 0xffff : padding == 1 ? word & 0xff : 0
            guard left == 0 else { return nil }
        }
        return bytes
    }

    private static func digit(_ letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
