/// Points in time as text: UTC, milliseconds, such as `2026-11-24T12:30:00.250Z`.
///
/// Source: RFC 3339; the civil-date arithmetic counts days of the proleptic Gregorian calendar from
/// 1 March, so that a leap day is a year's last.
public enum RFC3339 {
    static let textBytes = 24
    private static let millisecondsPerDay: Int64 = 86_400_000

    /// First and last millisecond since 1970 that four digits of a year can say.
    static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    struct Fields {
        var year: Int64
        var month: Int64
        var day: Int64
        var millisecondOfDay: Int64
    }

    /// Fields of a point in time; one outside ``range`` is taken as its nearest end.
    static func fields(_ wallMilliseconds: Int64) -> Fields {
        let clamped = min(max(wallMilliseconds, range.lowerBound), range.upperBound)
        // Days since 1 March of the year 0, above 0 in the whole range but for its first two
        // months.
        let shifted = clamped + 719_468 * millisecondsPerDay
        let days = (shifted + 400 * 366 * millisecondsPerDay) / millisecondsPerDay - 400 * 366
        let era = (days + 146_097) / 146_097 - 1
        let dayOfEra = days - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return Fields(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1,
            millisecondOfDay: shifted - days * millisecondsPerDay)
    }

    /// Days from 1 January 1970 to a date; negative before.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = year - (month <= 2 ? 1 : 0)
        let era = (shifted + 400) / 400 - 1
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func daysInMonth(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Milliseconds since 1970 UTC that a text says, or `nil` when it is no RFC 3339 date and time.
    ///
    /// Any offset is accepted, digits behind the milliseconds are dropped, and a leap second is the
    /// first moment of the minute after.
    public static func parse(_ text: Span<UInt8>) -> Int64? {
        var scanner = Scanner(text)
        guard let year = scanner.number(4), scanner.skip("-"),
            let month = scanner.number(2), (1...12).contains(month), scanner.skip("-"),
            let day = scanner.number(2), (1...daysInMonth(year: year, month: month)).contains(day),
            scanner.skip("T") || scanner.skip("t") || scanner.skip(" "),
            let hour = scanner.number(2), hour < 24, scanner.skip(":"),
            let minute = scanner.number(2), minute < 60, scanner.skip(":"),
            let second = scanner.number(2), second <= 60,
            let millisecond = scanner.fraction(),
            let offsetMinutes = scanner.offset(), scanner.isAtEnd
        else { return nil }
        let minutes =
            days(year: year, month: month, day: day) * 1440 + hour * 60 + minute - offsetMinutes
        return (minutes * 60 + second) * 1000 + (second == 60 ? 0 : millisecond)
    }

    public static func parse(_ text: String) -> Int64? { parse(text.utf8Span.span) }
}

extension RFC3339 {
    private struct Scanner: ~Escapable {
        let text: Span<UInt8>
        var index = 0

        @_lifetime(copy text)
        init(_ text: Span<UInt8>) { self.text = text }

        var isAtEnd: Bool { index == text.count }

        mutating func skip(_ letter: Unicode.Scalar) -> Bool {
            guard index < text.count, text[index] == UInt8(ascii: letter) else { return false }
            index += 1
            return true
        }

        mutating func digit() -> Int64? {
            guard index < text.count, (0x30...0x39).contains(text[index]) else { return nil }
            defer { index += 1 }
            return Int64(text[index] - 0x30)
        }

        mutating func number(_ digits: Int) -> Int64? {
            var number: Int64 = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                number = number * 10 + digit
            }
            return number
        }

        /// Milliseconds of a fraction, 0 without one.
        mutating func fraction() -> Int64? {
            guard skip(".") else { return 0 }
            guard var milliseconds = digit() else { return nil }
            milliseconds = milliseconds * 10 + (digit() ?? 0)
            // A missing digit ends the fraction, so that asking again finds none either.
            milliseconds = milliseconds * 10 + (digit() ?? 0)
            while digit() != nil {}
            return milliseconds
        }

        /// Minutes east of UTC.
        mutating func offset() -> Int64? {
            if skip("Z") || skip("z") { return 0 }
            let isEast = skip("+")
            guard isEast || skip("-"), let hours = number(2), hours < 24, skip(":"),
                let minutes = number(2), minutes < 60
            else { return nil }
            return (isEast ? 1 : -1) * (hours * 60 + minutes)
        }
    }
}

extension JSONWriter {
    /// A point in time as a string, in milliseconds since 1970 UTC; years are clamped to 0 to 9999.
    public mutating func value(timestamp wallMilliseconds: Int64) {
        guard beginValue(RFC3339.textBytes + 2) else { return }
        let fields = RFC3339.fields(wallMilliseconds)
        let second = fields.millisecondOfDay / 1000
        append(UInt8(ascii: "\""))
        digits(fields.year / 100, then: nil)
        digits(fields.year % 100, then: "-")
        digits(fields.month, then: "-")
        digits(fields.day, then: "T")
        digits(second / 3600, then: ":")
        digits(second / 60 % 60, then: ":")
        digits(second % 60, then: ".")
        digits(fields.millisecondOfDay % 1000 / 10, then: nil)
        append(UInt8(ascii: "0") + UInt8(fields.millisecondOfDay % 10))
        append(UInt8(ascii: "Z"))
        append(UInt8(ascii: "\""))
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, timestamp wallMilliseconds: Int64) {
        key(name)
        value(timestamp: wallMilliseconds)
    }

    /// Two digits and what follows them.
    @inline(__always)
    private mutating func digits(_ number: Int64, then letter: Unicode.Scalar?) {
        append(UInt8(ascii: "0") + UInt8(number / 10))
        append(UInt8(ascii: "0") + UInt8(number % 10))
        if let letter { append(UInt8(ascii: letter)) }
    }
}
