/// SecretBase64 with padding. Source: RFC 4648, 4.
enum SecretBase64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let bits = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 {
                let digit = alphabet[bits >> (18 - 6 * place) & 63]
                text.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` for whatever ``encode(_:)`` does not write.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        let text = Array(text.utf8)
        let isRight = decode(count: text.count, { text[$0] }, { bytes.append($0) })
        return isRight ? bytes : nil
    }

    /// How many bytes a text of `count` characters with `padding` equals signs stands for.
    static func bytes(of count: Int, padding: Int) -> Int { count / 4 * 3 - padding }

    /// Takes `count` characters one after the other and gives the bytes, without a copy of either;
    /// false when the text is not right.
    static func decode(
        count: Int, _ character: (Int) -> UInt8, _ take: (UInt8) -> Void
    ) -> Bool {
        guard count % 4 == 0 else { return false }
        var bits = 0
        var digits = 0
        var padding = 0
        for place in 0..<count {
            let character = character(place)
            if character == UInt8(ascii: "=") {
                padding += 1
                bits <<= 6
            } else {
                guard padding == 0, let digit = value(of: character) else { return false }
                bits = bits << 6 | digit
            }
            digits += 1
            guard digits == 4 else { continue }
            guard padding <= 2, bits & (1 << (8 * padding) - 1) == 0 else { return false }
            for index in 0..<(3 - padding) {
                take(UInt8(truncatingIfNeeded: bits >> (16 - 8 * index)))
            }
            (bits, digits) = (0, 0)
        }
        return true
    }

    private static func value(of character: UInt8) -> Int? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(character) - 97 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(character) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}

/// Two digits a byte.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        let text = Array(text.utf8)
        return decode(count: text.count, { text[$0] }, { bytes.append($0) }) ? bytes : nil
    }

    static func decode(
        count: Int, _ character: (Int) -> UInt8, _ take: (UInt8) -> Void
    ) -> Bool {
        guard count % 2 == 0 else { return false }
        var high: UInt8?
        for place in 0..<count {
            guard let digit = value(of: character(place)) else { return false }
            if let first = high {
                take(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return true
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - 97 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - 65 + 10
        default: nil
        }
    }
}
