import Foundation
import TestSupport
import Testing

@testable import Wire

@Suite struct RFC3339Tests {
    static func text(_ milliseconds: Int64) -> String {
        String(write { $0.value(timestamp: milliseconds) }.text.dropFirst().dropLast())
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_795_523_400_250, "2026-11-24T12:30:00.250Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func knownMoments(milliseconds: Int64, text: String) {
        #expect(Self.text(milliseconds) == text)
        #expect(RFC3339.parse(text) == milliseconds)
    }

    @Test func yearsBeyondFourDigitsAreClamped() {
        #expect(Self.text(.max) == "9999-12-31T23:59:59.999Z")
        #expect(Self.text(.min) == "0000-01-01T00:00:00.000Z")
    }

    @Test func everyDayOfFourCenturiesIsWhatTheCalendarSays() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        let first = RFC3339.days(year: 1800, month: 1, day: 1)
        for day in stride(from: first, to: first + 146_097 * 2, by: 1) {
            let milliseconds = day * 86_400_000 + 43_200_000
            let fields = RFC3339.fields(milliseconds)
            #expect(RFC3339.days(year: fields.year, month: fields.month, day: fields.day) == day)
            guard day % 13 == 0 else { continue }
            let parts = calendar.dateComponents(
                [.year, .month, .day],
                from: Date(timeIntervalSince1970: Double(milliseconds) / 1000))
            #expect(parts.year == Int(fields.year))
            #expect(parts.month == Int(fields.month))
            #expect(parts.day == Int(fields.day))
        }
    }

    @Test func whatIsWrittenIsReadBack() {
        var generator = SeededRandom()
        for _ in 0..<20_000 {
            let milliseconds = Int64.random(in: RFC3339.range, using: &generator)
            #expect(RFC3339.parse(Self.text(milliseconds)) == milliseconds)
        }
    }

    @Test(
        arguments: [
            ("2026-11-24T12:30:00Z", 1_795_523_400_000),
            ("2026-11-24t12:30:00z", 1_795_523_400_000),
            ("2026-11-24 12:30:00Z", 1_795_523_400_000),
            ("2026-11-24T12:30:00.2Z", 1_795_523_400_200),
            ("2026-11-24T12:30:00.25+00:00", 1_795_523_400_250),
            ("2026-11-24T12:30:00.123456789+00:00", 1_795_523_400_123),
            ("2026-11-24T13:30:00+01:00", 1_795_523_400_000),
            ("2026-11-24T07:00:00-05:30", 1_795_523_400_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("2016-12-31T23:59:60.9Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func otherSpellingsAreUnderstood(text: String, milliseconds: Int64) {
        #expect(RFC3339.parse(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-11-24", "2026-11-24T12:30:00", "2026-11-24T12:30Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00ZZ", " 2026-01-01T00:00:00Z", "2026-1-01T00:00:00Z",
        "-2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00.1234567890x",
        "\u{FF12}026-01-01T00:00:00Z",
    ])
    func whatIsNoDateIsNothing(text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func aNumberIsSecondsOrMillisecondsByItsSize() throws {
        func read(_ json: String) throws -> Int64? {
            try parse("{\"timestamp\":\(json)}") { $0.member("timestamp")?.timestamp }
        }
        #expect(try read("1795523400") == 1_795_523_400_000)
        #expect(try read("1795523400250") == 1_795_523_400_250)
        #expect(try read("1795523400.75") == 1_795_523_400_000)
        #expect(try read("\"2026-11-24T12:30:00.250Z\"") == 1_795_523_400_250)
        #expect(try read("null") == nil)
        #expect(try read("\"soon\"") == nil)
        #expect(try read("[1]") == nil)
        #expect(try read("1e300") == 0)
    }
}
