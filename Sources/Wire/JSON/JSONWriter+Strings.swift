extension JSONWriter {
    /// A string, escaped where RFC 8259 asks for it. A Swift string is valid Unicode always, and
    /// what need not be escaped is written as UTF-8.
    public mutating func value(_ text: String) {
        guard beginValue(2) else { return }
        quoted(text)
    }

    public mutating func value(_ truth: Bool) {
        if truth {
            guard beginValue(4) else { return }
            append(UInt32(littleEndian: 0x6575_7274))
        } else {
            guard beginValue(5) else { return }
            append(UInt32(littleEndian: 0x736C_6166))
            append(UInt8(ascii: "e"))
        }
    }

    public mutating func null() {
        guard beginValue(4) else { return }
        append(UInt32(littleEndian: 0x6C6C_756E))
    }

    /// One value that is JSON already; the caller vouches for that. Line breaks, which can only
    /// stand between its tokens, become spaces, so that it cannot end the frame.
    public mutating func raw(_ json: String) {
        let utf8 = json.utf8Span.span
        guard beginValue(utf8.count) else { return }
        for index in utf8.indices {
            let byte = utf8[index]
            append(byte == 0x0A || byte == 0x0D ? UInt8(ascii: " ") : byte)
        }
    }

    /// The name of the member whose value comes next, escaped.
    public mutating func key(_ name: String) {
        guard beginValue(3) else { return }
        quoted(name)
        guard hasRoom(1) else { return }
        append(UInt8(ascii: ":"))
        endName()
    }

    private mutating func quoted(_ text: String) {
        append(UInt8(ascii: "\""))
        escaped(text.utf8Span.span)
        guard hasRoom(1) else { return }
        append(UInt8(ascii: "\""))
    }

    /// Eight bytes at a time as long as none of them needs escaping.
    private mutating func escaped(_ utf8: Span<UInt8>) {
        let bytes = RawSpan(_elements: utf8)
        var index = 0
        while index < utf8.count {
            if index &+ 8 <= utf8.count, room >= 8 {
                // SAFETY: the bounds are checked above, and any eight bytes are a number.
                let word = unsafe bytes.unsafeLoadUnaligned(
                    fromByteOffset: index, as: UInt64.self)
                if !Self.needsEscaping(word) {
                    append(word)
                    index &+= 8
                    continue
                }
            }
            escaped(utf8[index])
            index &+= 1
        }
    }

    /// Whether one of eight bytes is a control character, a quote or a backslash. A byte's top bit
    /// survives `(byte - limit) & ~byte` only when the byte was below the limit.
    @inline(__always)
    private static func needsEscaping(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5C)
        let controls = (word &- ones &* 0x20) & ~word
        let found = ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | controls
        return found & (ones &* 0x80) != 0
    }

    @inline(__always)
    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case 0x22, 0x5C: escape(byte)
        case 0x20...:
            guard hasRoom(1) else { return }
            append(byte)
        default: control(byte)
        }
    }

    private mutating func escape(_ letter: UInt8) {
        guard hasRoom(2) else { return }
        append(UInt8(ascii: "\\"))
        append(letter)
    }

    private mutating func control(_ byte: UInt8) {
        switch byte {
        case 0x08: return escape(UInt8(ascii: "b"))
        case 0x09: return escape(UInt8(ascii: "t"))
        case 0x0A: return escape(UInt8(ascii: "n"))
        case 0x0C: return escape(UInt8(ascii: "f"))
        case 0x0D: return escape(UInt8(ascii: "r"))
        default: break
        }
        guard hasRoom(6) else { return }
        append(UInt32(littleEndian: 0x3030_755C))  // \u00
        append(UInt8(ascii: "0") + byte >> 4)
        append(Self.hexadecimal(byte & 0x0F))
    }

    static func hexadecimal(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
