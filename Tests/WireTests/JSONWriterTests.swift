import Foundation
import TestSupport
import Testing

@testable import Wire

@Suite struct JSONWriterTests {
    @Test func commasStandBetweenMembersAndElementsOnly() {
        let (text, overflowed, tokens) = write { writer in
            writer.beginObject()
            writer.member("a", 1)
            writer.beginArray("b")
            writer.endArray()
            writer.beginArray("c")
            writer.value(true)
            writer.beginObject()
            writer.endObject()
            writer.null()
            writer.endArray()
            writer.key("d\"")
            writer.value("e")
            writer.endObject()
            writer.newline()
            writer.beginArray()
            writer.raw("[1,2]")
            writer.raw("3")
            writer.endArray()
        }
        #expect(text == #"{"a":1,"b":[],"c":[true,{},null],"d\"":"e"}"# + "\n[[1,2],3]")
        #expect(!overflowed)
        #expect(tokens == 12 + 3)
    }

    @Test(arguments: [
        ("", #""""#),
        ("plain", #""plain""#),
        ("\"\\/", #""\"\\/""#),
        ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#),
        ("\0\u{1}\u{1F}\u{7F}", "\"\\u0000\\u0001\\u001f\u{7F}\""),
        ("exactly8", #""exactly8""#),
        ("a quote \" after eight", #""a quote \" after eight""#),
        ("é \u{2028} 😀 \u{10FFFF}", "\"é \u{2028} 😀 \u{10FFFF}\""),
    ])
    func stringsAreEscapedWhereTheyMustBe(text: String, json: String) throws {
        #expect(write { $0.value(text) }.text == json)
        #expect(try parse(json) { $0.string } == text)
    }

    @Test func anyCharacterSurvivesAtAnyPlaceOfAWord() throws {
        for scalar in (0...0x300).compactMap({ Unicode.Scalar($0) }) {
            for place in 0...9 {
                let text = String(repeating: "x", count: place) + String(scalar) + "tail of it"
                let json = write { $0.value(text) }.text
                #expect(try parse(json) { $0.string } == text)
            }
        }
    }

    @Test func aLineBreakInRawJSONCannotBreakTheFrame() {
        #expect(write { $0.raw("[1,\n\r2]") }.text == "[1,  2]")
    }

    @Test(
        arguments: [
            (0, "0"), (7, "7"), (10, "10"), (99_999_999, "99999999"), (100_000_000, "100000000"),
            (9_999_999_999_999_999, "9999999999999999"),
            (10_000_000_000_000_000, "10000000000000000"),
            (UInt64.max, "18446744073709551615"),
        ] as [(UInt64, String)])
    func unsignedNumbers(number: UInt64, json: String) {
        #expect(write { $0.value(number) }.text == json)
        #expect(write(room: json.utf8.count) { $0.value(number) }.text == json)
    }

    @Test func integersAreWrittenAsSwiftWritesThem() {
        var generator = SeededRandom()
        for _ in 0..<20_000 {
            let number =
                Int64.random(in: .min ... .max, using: &generator)
                >> Int64.random(in: 0...63, using: &generator)
            #expect(write { $0.value(number) }.text == String(number))
        }
        #expect(write { $0.value(Int64.min) }.text == "-9223372036854775808")
    }

    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1, "1"), (0.1, "0.1"), (0.12, "0.12"), (0.123, "0.123"),
        (0.0004, "0"), (-0.0004, "0"), (0.0005, "0.001"), (0.9996, "1"), (1.005, "1.005"),
        (99.95, "99.95"), (-12.5, "-12.5"), (-0.25, "-0.25"), (123_456_789.125, "123456789.125"),
        (0x1p53, "9007199254740992"), (1e16, "10000000000000000"),
        (9.223372036854775e18, "9223372036854774784"), (0x1p63, "9223372036854776000.0"),
        (-1e19, "-10000000000000000000.0"), (1.25e20, "125000000000000000000.0"),
        (1e22, "10000000000000000000000.0"), (1e-300, "0"),
    ])
    func doublesHaveAtMostThreeDecimalsAndNoExponent(number: Double, json: String) {
        #expect(write { $0.value(number) }.text == json)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func whatIsNoNumberIsNull(number: Double) {
        #expect(write { $0.value(number) }.text == "null")
    }

    @Test func theLargestDoubleIsWrittenOutAndReadBack() throws {
        for number in [Double.greatestFiniteMagnitude, -1.7e308, 3.5e19, 0x1p63, -0x1.8p64] {
            let json = write { $0.value(number) }.text
            #expect(!json.contains("e"))
            #expect(try parse(json) { $0.number } == number)
        }
    }

    @Test func doublesAreNeverFurtherOffThanHalfAThousandth() throws {
        var generator = SeededRandom()
        for _ in 0..<20_000 {
            let magnitude = pow(10, Double.random(in: -6...12, using: &generator))
            let number = Double.random(in: -1...1, using: &generator) * magnitude
            let json = write { $0.value(number) }.text
            let read = try #require(try parse(json) { $0.number })
            #expect(abs(read - number) <= 0.0005 + number.magnitude.ulp, "\(number) as \(json)")
            #expect(
                json.split(separator: ".").count < 2 || json.split(separator: ".")[1].count <= 3)
        }
    }
}
