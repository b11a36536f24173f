import CSimdjson

extension JSONValue {
    /// Whole numbers from -2^63 to 2^63 - 1. One with a fraction or an exponent counts when it is
    /// whole and below 2^53, so that no digit of it can have been lost.
    public var integer: Int64? {
        let bits = unsafe csimdjson_number_bits(raw)
        switch unsafe csimdjson_type_of(raw) {
        case CSIMDJSON_SIGNED: return Int64(bitPattern: bits)
        case CSIMDJSON_UNSIGNED: return Int64(exactly: bits)
        case CSIMDJSON_DOUBLE: return Self.wholeNumber(Double(bitPattern: bits))
        default: return nil
        }
    }

    /// Whole numbers from 0 to 2^64 - 1, otherwise as ``integer``.
    public var unsigned: UInt64? {
        let bits = unsafe csimdjson_number_bits(raw)
        switch unsafe csimdjson_type_of(raw) {
        case CSIMDJSON_SIGNED: return UInt64(exactly: Int64(bitPattern: bits))
        case CSIMDJSON_UNSIGNED: return bits
        case CSIMDJSON_DOUBLE:
            return Self.wholeNumber(Double(bitPattern: bits)).flatMap { UInt64(exactly: $0) }
        default: return nil
        }
    }

    /// Any number, as the nearest double: finite always, exact for whole ones up to 2^53.
    public var number: Double? {
        let bits = unsafe csimdjson_number_bits(raw)
        switch unsafe csimdjson_type_of(raw) {
        case CSIMDJSON_SIGNED: return Double(Int64(bitPattern: bits))
        case CSIMDJSON_UNSIGNED: return Double(bits)
        case CSIMDJSON_DOUBLE: return Double(bitPattern: bits)
        default: return nil
        }
    }

    /// A number that was written as an integer, without fraction or exponent.
    var exactInteger: Int64? {
        let isInteger = unsafe csimdjson_type_of(raw) == CSIMDJSON_SIGNED
        return isInteger ? integer : nil
    }

    var exactUnsigned: UInt64? {
        let isInteger = unsafe csimdjson_type_of(raw) == CSIMDJSON_UNSIGNED
        return isInteger ? unsigned : nil
    }

    private static func wholeNumber(_ number: Double) -> Int64? {
        guard number.magnitude < 0x1p53 else { return nil }
        let whole = Int64(number)
        return Double(whole) == number ? whole : nil
    }

    /// The text of a string, unescaped; it may hold U+0000.
    public var string: String? {
        guard let utf8 else { return nil }
        // The parser has refused whatever is not UTF-8, so that this cannot fail.
        guard let text = try? UTF8Span(validating: utf8) else { return nil }
        return String(copying: text)
    }

    /// The UTF-8 of a string, borrowed from the parser.
    public var utf8: Span<UInt8>? {
        @_lifetime(copy self)
        get {
            guard let start = unsafe csimdjson_string(raw) else { return nil }
            // SAFETY: simdjson wrote that many bytes there, and the parser that holds them is
            // borrowed by this value, whose lifetime the span copies.
            let bytes = unsafe Span<UInt8>(
                _unsafeStart: start.assumingMemoryBound(to: UInt8.self),
                count: csimdjson_string_count(raw))
            return unsafe _overrideLifetime(bytes, copying: self)
        }
    }

    /// Whether this is a string with exactly that text.
    public func equals(_ text: StaticString) -> Bool {
        // SAFETY: a static string's bytes are constants of the program.
        let bytes = unsafe RawSpan(
            _unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        return unsafe csimdjson_string_equals(raw, bytes)
    }
}
