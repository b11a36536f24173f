/// Base64 with padding, strict: what a canonical encoder would not write is refused.
///
/// Source: RFC 4648, section 4.
enum Base64 {
    private static let letters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }()

    static func encoded(_ bytes: [UInt8]) -> String {
        let pad = UInt8(ascii: "=")
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = UInt32(bytes[start]) << 16
            if count > 1 { group |= UInt32(bytes[start + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[start + 2]) }
            text.append(letters[Int(group >> 18)])
            text.append(letters[Int(group >> 12 & 63)])
            text.append(count > 1 ? letters[Int(group >> 6 & 63)] : pad)
            text.append(count > 2 ? letters[Int(group & 63)] : pad)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for anything but whole groups of the alphabet, padded, with no bits left over.
    static func decoded(_ text: String) -> [UInt8]? {
        let utf8 = Array(text.utf8)
        guard utf8.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count / 4 * 3)
        for start in stride(from: 0, to: utf8.count, by: 4) {
            var group = utf8[start..<start + 4]
            var padding = 0
            if start + 4 == utf8.count {
                while padding < 2, group.last == UInt8(ascii: "=") {
                    group.removeLast()
                    padding += 1
                }
            }
            var bits: UInt32 = 0
            for letter in group {
                let value = values[Int(letter)]
                guard value != 0xFF else { return nil }
                bits = bits << 6 | UInt32(value)
            }
            bits <<= 6 * UInt32(padding)
            let room = [
                UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8),
                UInt8(truncatingIfNeeded: bits),
            ]
            guard room.suffix(padding).allSatisfy({ $0 == 0 }) else { return nil }
            bytes += room.prefix(3 - padding)
        }
        return bytes
    }
}
