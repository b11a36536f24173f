extension JSONWriter {
    public mutating func value(_ number: UInt64) {
        guard beginValue(1) else { return }
        digits(number)
    }

    public mutating func value(_ number: Int64) {
        guard beginValue(number < 0 ? 2 : 1) else { return }
        if number < 0 { append(UInt8(ascii: "-")) }
        digits(number.magnitude)
    }

    public mutating func value(_ number: Int) { value(Int64(number)) }

    /// Rounded to three decimals, never with an exponent; `null` when it is not finite.
    public mutating func value(_ number: Double) {
        guard number.isFinite else { return null() }
        guard number.magnitude < 0x1p63 else { return huge(number) }
        var whole = UInt64(number.magnitude)
        var thousandths = UInt32((number.magnitude - Double(whole)) * 1000 + 0.5)
        if thousandths == 1000 {
            whole += 1
            thousandths = 0
        }
        let isNegative = number < 0 && (whole | UInt64(thousandths)) != 0
        guard beginValue(isNegative ? 2 : 1) else { return }
        if isNegative { append(UInt8(ascii: "-")) }
        digits(whole)
        if thousandths > 0 { fraction(thousandths) }
    }

    /// Decimals of a number below one, 1 to 999 of its thousandths, without trailing zeros.
    private mutating func fraction(_ thousandths: UInt32) {
        let first = thousandths / 100
        let second = thousandths / 10 % 10
        let third = thousandths % 10
        let byteCount = third != 0 ? 4 : second != 0 ? 3 : 2
        let text = 0x3030_302E | first << 8 | second << 16 | third << 24
        appendShort(UInt64(text), byteCount: byteCount)
    }

    /// At least one digit.
    @inline(__always)
    private mutating func digits(_ number: UInt64) {
        if number < 100_000_000 { return leadingDigits(UInt32(truncatingIfNeeded: number)) }
        let upper = number / 100_000_000
        if upper < 100_000_000 {
            leadingDigits(UInt32(truncatingIfNeeded: upper))
        } else {
            leadingDigits(UInt32(truncatingIfNeeded: upper / 100_000_000))
            eightDigits(UInt32(truncatingIfNeeded: upper % 100_000_000))
        }
        eightDigits(UInt32(truncatingIfNeeded: number % 100_000_000))
    }

    /// Up to eight digits without leading zeros.
    @inline(__always)
    private mutating func leadingDigits(_ number: UInt32) {
        if number == 0 { return appendShort(UInt64(UInt8(ascii: "0")), byteCount: 1) }
        let digits = Self.spread(number)
        let zeroBits = digits.trailingZeroBitCount & ~7
        let text = (digits | 0x3030_3030_3030_3030) &>> UInt64(zeroBits)
        appendShort(text, byteCount: 8 - zeroBits / 8)
    }

    @inline(__always)
    private mutating func eightDigits(_ number: UInt32) {
        appendShort(Self.spread(number) | 0x3030_3030_3030_3030, byteCount: 8)
    }

    /// The first `byteCount` of the eight bytes of `text`, the lowest first. Where there is room
    /// for all eight, one store writes them and the next value overwrites what is too much.
    @inline(__always)
    private mutating func appendShort(_ text: UInt64, byteCount: Int) {
        if room >= 8 { return append(text.littleEndian, keeping: byteCount) }
        guard hasRoom(byteCount) else { return }
        for index in 0..<byteCount {
            append(UInt8(truncatingIfNeeded: text &>> UInt64(index * 8)))
        }
    }

    /// The eight decimal digits of a number below 10^8, one a byte, the first in the lowest byte:
    /// halves of four digits, quarters of two, then single ones, each step for all parts at once.
    /// The factors are 2^20 / 100 and 2^10 / 10 rounded up, exact for parts below 10,000 and below
    /// 100.
    @inline(__always)
    private static func spread(_ number: UInt32) -> UInt64 {
        let halves = UInt64(number / 10_000) | UInt64(number % 10_000) &<< 32
        let hundreds = ((halves &* 10_486) &>> 20) & 0x0000_007F_0000_007F
        let pairs = hundreds | (halves &- hundreds &* 100) &<< 16
        let tens = ((pairs &* 103) &>> 10) & 0x000F_000F_000F_000F
        return tens | (pairs &- tens &* 10) &<< 8
    }

    /// 2^63 and more: the shortest digits that tell it from its neighbours, zeros, and a decimal,
    /// without which readers take it for an integer that they have no type for.
    private mutating func huge(_ number: Double) {
        // 1.2345e+25, the only form that a double of this size has.
        let parts = number.magnitude.description.split(separator: "e")
        let mantissa = parts[0].filter { $0 != "." }
        let exponent = parts.count == 2 ? Int(parts[1].drop { $0 == "+" }) ?? 0 : 0
        let digits =
            mantissa.hasSuffix("0") && mantissa.count == 2 ? mantissa.dropLast() : mantissa[...]
        let zeros = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        raw((number < 0 ? "-" : "") + digits + zeros + ".0")
    }
}
