/// One life of an agent: 128 random bits, new at each start, so that numbers of one life are never
/// taken for those of another.
///
/// Source: protocol, "Session". On the wire it is 32 hexadecimal digits in lower case.
public struct Epoch: Hashable, Sendable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// `nil` unless `text` has exactly 32 hexadecimal digits, of either case.
    public init?(_ text: String) {
        let utf8 = text.utf8Span.span
        guard utf8.count == 32 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for index in utf8.indices {
            guard let nibble = Self.nibble(utf8[index]) else { return nil }
            if index < 16 {
                halves.high = halves.high << 4 | nibble
            } else {
                halves.low = halves.low << 4 | nibble
            }
        }
        self.init(high: halves.high, low: halves.low)
    }

    private static func nibble(_ digit: UInt8) -> UInt64? {
        switch digit {
        case 0x30...0x39: UInt64(digit - 0x30)
        case 0x41...0x46: UInt64(digit - 0x41 + 10)
        case 0x61...0x66: UInt64(digit - 0x61 + 10)
        default: nil
        }
    }
}

extension Epoch: CustomStringConvertible {
    public var description: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// What a message of class result, event or metrics gets when it enters the send ring.
public struct Numbering: Hashable, Sendable {
    public var epoch: Epoch
    /// 1, 2, 3 in the order on the wire.
    public var sequence: UInt64

    public init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }
}

extension JSONWriter {
    mutating func member(_ name: StaticString, _ epoch: Epoch) {
        key(name)
        guard beginValue(34) else { return }
        append(UInt8(ascii: "\""))
        hexadecimal(epoch.high)
        hexadecimal(epoch.low)
        append(UInt8(ascii: "\""))
    }

    private mutating func hexadecimal(_ half: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            append(Self.hexadecimal(UInt8(truncatingIfNeeded: half &>> shift) & 0x0F))
        }
    }

    /// `epoch` and `seq`, or nothing for a message without a number.
    mutating func members(_ numbering: Numbering?) {
        guard let numbering else { return }
        member("epoch", numbering.epoch)
        member("seq", numbering.sequence)
    }
}
