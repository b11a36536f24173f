import CLinux
import Kernel

/// What a line did not have, and which line it was, counted from 1.
struct Malformed: Error, Equatable {
    let expected: String
    let line: Int
}

/// A place in the bytes of one of the kernel's text files, moving forward: lines, the fields in
/// them, and the numbers in those.
///
/// Nothing is copied and nothing is believed: what is not there, is no number or does not fit in 64
/// bits throws. A line without its newline was cut off, so it throws too.
struct Fields: ~Escapable {
    private let bytes: RawSpan
    private var offset = 0
    private var line: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, line: Int = 0) {
        self.bytes = bytes
        self.line = line
    }

    func malformed(_ expected: String) -> Malformed { Malformed(expected: expected, line: line) }

    /// The next line without its newline; `nil` at the end.
    ///
    /// - Parameter mayEndOpen: whether the last line may lack its newline: in files that people
    ///   write.
    @_lifetime(copy self)
    mutating func nextLine(mayEndOpen: Bool = false) throws(Malformed) -> Fields? {
        guard offset < bytes.byteCount else { return nil }
        line += 1
        let start = offset
        var length = clinux_find_byte(bytes.extracting(start..<bytes.byteCount), 0x0A)
        if length < 0 {
            guard mayEndOpen else { throw malformed("a newline at its end") }
            length = bytes.byteCount - start
        }
        offset = min(start + length + 1, bytes.byteCount)
        return Fields(bytes.extracting(start..<start + length), line: line)
    }

    /// The next line, which has to be there.
    @_lifetime(copy self)
    mutating func requiredLine() throws(Malformed) -> Fields {
        guard let next = try nextLine() else {
            throw Malformed(expected: "one more line", line: line + 1)
        }
        return next
    }

    /// The next field; blanks and tabs separate fields.
    @_lifetime(copy self)
    mutating func field() throws(Malformed) -> Fields {
        skipBlanks()
        let start = offset
        while offset < bytes.byteCount, !isBlank(bytes.byte(at: offset)) { offset += 1 }
        guard offset > start else { throw malformed("one more field") }
        return Fields(bytes.extracting(start..<offset), line: line)
    }

    /// What stands before the next `byte`, leading blanks skipped; goes on after that byte.
    @_lifetime(copy self)
    mutating func field(before byte: UInt8) throws(Malformed) -> Fields {
        skipBlanks()
        let start = offset
        let length = clinux_find_byte(
            bytes.extracting(start..<bytes.byteCount), Int32(byte))
        guard length >= 0 else { throw malformed("a '\(Character(UnicodeScalar(byte)))'") }
        offset = start + length + 1
        return Fields(bytes.extracting(start..<start + length), line: line)
    }

    /// What stands before the last `byte`; goes on after it.
    @_lifetime(copy self)
    mutating func field(beforeLast byte: UInt8) throws(Malformed) -> Fields {
        var end = bytes.byteCount - 1
        while end >= offset, bytes.byte(at: end) != byte { end -= 1 }
        guard end >= offset else { throw malformed("a '\(Character(UnicodeScalar(byte)))'") }
        let start = offset
        offset = end + 1
        return Fields(bytes.extracting(start..<end), line: line)
    }

    mutating func skip(_ fields: Int) throws(Malformed) {
        for _ in 0..<fields { _ = try field() }
    }

    /// Whether nothing but blanks is left.
    mutating func isAtEnd() -> Bool {
        skipBlanks()
        return offset == bytes.byteCount
    }

    private mutating func skipBlanks() {
        while offset < bytes.byteCount, isBlank(bytes.byte(at: offset)) { offset += 1 }
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}

// MARK: Numbers

extension Fields {
    /// The next field, which is a decimal number of at most `max`.
    mutating func unsigned(max: UInt64 = .max) throws(Malformed) -> UInt64 {
        try number(radix: 10, max: max)
    }

    /// The next field, which is a hexadecimal number of at most `max`.
    mutating func hexadecimal(max: UInt64 = .max) throws(Malformed) -> UInt64 {
        try number(radix: 16, max: max)
    }

    private mutating func number(radix: UInt64, max: UInt64) throws(Malformed) -> UInt64 {
        skipBlanks()
        let start = offset
        var value: UInt64 = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            guard let digit = digit(byte), digit < radix else {
                guard isBlank(byte) else { throw malformed("a number") }
                break
            }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            guard !overflow, !carry, sum <= max else { throw malformed("a number up to \(max)") }
            value = sum
            offset += 1
        }
        guard offset > start else { throw malformed("a number") }
        return value
    }

    /// The hexadecimal number of exactly `digits` digits that begins `position` bytes further on.
    func hexadecimal(at position: Int, digits: Int) throws(Malformed) -> UInt64 {
        precondition(digits <= 16, "sixteen digits are 64 bits")
        guard position + digits <= byteCount else { throw malformed("\(digits) digits") }
        var value: UInt64 = 0
        for place in position..<position + digits {
            guard let digit = digit(byte(place)) else { throw malformed("hexadecimal digits") }
            value = value << 4 | digit
        }
        return value
    }

    private func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 0x30...0x39: UInt64(byte - 0x30)
        case 0x41...0x46: UInt64(byte - 0x41 + 10)
        case 0x61...0x66: UInt64(byte - 0x61 + 10)
        default: nil
        }
    }

    /// The next field, which is a number with or without a fraction, such as `901.20`.
    ///
    /// Fractions are read to nine places; the number without its point fits in 64 bits.
    mutating func decimal() throws(Malformed) -> Double {
        var text = try field()
        return try text.wholeDecimal()
    }

    private mutating func wholeDecimal() throws(Malformed) -> Double {
        var digits: UInt64 = 0
        var scale: UInt64 = 1
        var seesPoint = false
        var places = 0
        var count = 0
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            offset += 1
            if byte == UInt8(ascii: "."), !seesPoint, count > 0 {
                seesPoint = true
                continue
            }
            guard let digit = digit(byte), digit < 10 else { throw malformed("a decimal number") }
            count += 1
            if seesPoint { places += 1 }
            if places > 9 { continue }
            let (shifted, overflow) = digits.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(digit)
            guard !overflow, !carry else { throw malformed("a decimal number of 64 bits") }
            digits = sum
            if seesPoint { scale *= 10 }
        }
        guard count > 0, !seesPoint || places > 0 else { throw malformed("a decimal number") }
        return Double(digits) / Double(scale)
    }
}

// MARK: Texts

extension Fields {
    /// What is left, as text, repaired where it is not UTF-8.
    var text: String { bytes.extracting(offset..<bytes.byteCount).repairedText }

    var byteCount: Int { bytes.byteCount - offset }

    /// The byte that stands `position` bytes further on.
    func byte(_ position: Int) -> UInt8 { bytes.byte(at: offset + position) }

    /// Whether what is left is `text`, byte for byte.
    func equals(_ text: String) -> Bool {
        text.utf8.count == byteCount && starts(with: text)
    }

    func starts(with text: String) -> Bool {
        let other = text.utf8Span.span
        guard other.count <= byteCount else { return false }
        for index in other.indices where other[index] != byte(index) { return false }
        return true
    }

    /// Goes on after `text`, when what is left begins with it.
    mutating func consume(_ text: String) -> Bool {
        guard starts(with: text) else { return false }
        offset += text.utf8.count
        return true
    }
}
