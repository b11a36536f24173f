import Kernel
import Testing

@testable import Probes

/// The parser of bytes, which trusts nothing.
struct FieldsTests {
    private func with<Result>(
        _ text: String, _ body: (inout Fields) throws -> Result
    ) rethrows -> Result {
        let bytes = Array(text.utf8)
        var fields = Fields(bytes.span.bytes)
        return try body(&fields)
    }

    @Test(arguments: [
        ("0", 0), ("7 x", 7), ("\t 42", 42), ("18446744073709551615", UInt64.max), ("007", 7),
    ])
    func readsDecimalNumbers(_ text: String, _ value: UInt64) throws {
        #expect(try with(text) { try $0.unsigned() } == value)
    }

    @Test(arguments: [
        "", " ", "-1", "+1", "1x", "x", "1.5", "18446744073709551616", "99999999999999999999999",
        "0x1",
        "1\u{0}", "١",
    ])
    func refusesWhatIsNoNumberOf64Bits(_ text: String) {
        #expect(throws: Malformed.self) { try with(text) { try $0.unsigned() } }
    }

    @Test func refusesNumbersOverTheCallersLimit() throws {
        #expect(try with("100") { try $0.unsigned(max: 100) } == 100)
        #expect(throws: Malformed.self) { try with("101") { try $0.unsigned(max: 100) } }
    }

    @Test(arguments: [("0A", 10), ("ffffffffffffffff", UInt64.max), ("D431", 0xD431)])
    func readsHexadecimalNumbers(_ text: String, _ value: UInt64) throws {
        #expect(try with(text) { try $0.hexadecimal() } == value)
    }

    @Test(arguments: ["g", "", "10000000000000000", "0A:"])
    func refusesWhatIsNotHexadecimal(_ text: String) {
        #expect(throws: Malformed.self) { try with(text) { try $0.hexadecimal() } }
    }

    @Test(arguments: [
        ("0.52", 0.52), ("1.07", 1.07), ("901.20", 901.2), ("3", 3.0), ("10.00 x", 10.0),
        ("0.12345678901234567890", 0.123456789),
    ])
    func readsDecimalFractions(_ text: String, _ value: Double) throws {
        #expect(try with(text) { try $0.decimal() } == value)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.2.3", "-0.1", "1e5", "nan", "inf", "99999999999999999999.0",
    ])
    func refusesWhatIsNoDecimalFraction(_ text: String) {
        #expect(throws: Malformed.self) { try with(text) { try $0.decimal() } }
    }

    /// What `body` fails with. The macros of Testing cannot look at values that may not escape.
    private func failure(_ body: () throws -> Void) -> Malformed? {
        do {
            try body()
            return nil
        } catch {
            return error as? Malformed
        }
    }

    private func field(_ fields: inout Fields) throws -> String { try fields.field().text }

    @Test func walksLinesAndFields() throws {
        try with("a  bb\tc \n\nlast line\n") { all in
            var first = try all.requiredLine()
            let fields = [try field(&first), try field(&first), try field(&first)]
            #expect(fields == ["a", "bb", "c"])
            let noMore = failure { _ = try field(&first) }
            #expect(noMore == Malformed(expected: "one more field", line: 1))
            var second = try all.requiredLine()
            let isBlank = second.isAtEnd()
            #expect(isBlank)
            var third = try all.requiredLine()
            let (isLast, rest) = (third.consume("last "), third.text)
            #expect(isLast && rest == "line")
            let noNumber = failure { _ = try third.unsigned() }
            #expect(noNumber == Malformed(expected: "a number", line: 3))
            let isEnd = try all.nextLine() == nil
            #expect(isEnd)
            let noLine = failure { _ = try all.requiredLine() }
            #expect(noLine == Malformed(expected: "one more line", line: 4))
        }
    }

    @Test func aLineWithoutItsNewlineWasCutOff() throws {
        try with("whole\ncut") { all in
            _ = try all.requiredLine()
            let cut = failure { _ = try all.nextLine() }
            #expect(cut == Malformed(expected: "a newline at its end", line: 2))
        }
        try with("cut") { all in
            let text = try all.nextLine(mayEndOpen: true)?.text
            #expect(text == "cut")
        }
    }

    @Test func splitsAtBytes() throws {
        try with("  eth0: 1 (a) b) c") { all in
            let colon = UInt8(ascii: ":")
            let parenthesis = UInt8(ascii: ")")
            let name = try all.field(before: colon).text
            let head = try all.field(beforeLast: parenthesis).text
            #expect(name == "eth0")
            #expect(head == " 1 (a) b")
            let noColon = failure { _ = try all.field(before: colon) }
            let noParenthesis = failure { _ = try all.field(beforeLast: parenthesis) }
            #expect(noColon?.expected == "a ':'")
            #expect(noParenthesis?.expected == "a ')'")
            let rest = all.text
            #expect(rest == "c")
        }
    }

    @Test func comparesByteForByte() {
        with("cpu0") { fields in
            let equal = ["cpu0", "cpu", "cpu00", "cpuO", ""].map { fields.equals($0) }
            #expect(equal == [true, false, false, false, false])
            let starts = ["cpu", "cpu0", "cpu01", "CPU", ""].map { fields.starts(with: $0) }
            #expect(starts == [true, true, false, false, true])
            let consumed = [fields.consume("CPU"), fields.consume("cpu")]
            #expect(consumed == [false, true])
            let rest = fields.text
            #expect(rest == "0")
        }
    }

    @Test func repairsWhatIsNotUTF8() {
        let bytes: [UInt8] = [0x61, 0xFF, 0x62]
        #expect(Fields(bytes.span.bytes).text == "a\u{FFFD}b")
    }

    @Test(arguments: [
        (#"/a\040b"#, "/a b"), (#"\134"#, #"\"#), (#"\011\012"#, "\t\n"), (#"\04"#, #"\04"#),
        (#"\"#, #"\"#),
        (#"\089"#, #"\089"#), (#"\400"#, #"\400"#), (#"\377"#, "\u{FFFD}"), (#"\\040"#, "\\ "),
        (#"\303\274"#, "ü"),
    ])
    func undoesOctalEscapes(_ text: String, _ plain: String) {
        #expect(with(text) { $0.unescapedText() } == plain)
    }

    @Test(arguments: [
        ("00000000000000000000000000000000", "::"),
        ("00000000000000000000000000000001", "::1"),
        ("20010db8000000000008080020200c41", "2001:db8::8:800:2020:c41"),
        ("20010db8000000010000000000000001", "2001:db8:0:1::1"),
        ("20010db8000000000001000000000001", "2001:db8::1:0:0:1"),
        ("20010db8000100010001000000010001", "2001:db8:1:1:1:0:1:1"),
        ("20010000000000010000000000000000", "2001:0:0:1::"),
        ("fe800000000000000000000000000000", "fe80::"),
        ("00000000000000000000ffffc0000232", "::ffff:192.0.2.50"),
        ("00000000000000000000ffff00000000", "::ffff:0.0.0.0"),
        ("00010002000300040005000600070008", "1:2:3:4:5:6:7:8"),
    ])
    func writesIPv6AddressesAsRFC5952Says(_ digits: String, _ text: String) throws {
        #expect(try with(digits) { try AddressText.ipv6($0) } == text)
    }

    @Test(arguments: [
        "", "0001", "g0000000000000000000000000000000", "000000000000000000000000000000001",
    ])
    func refusesWhatIsNoIPv6Address(_ digits: String) {
        #expect(throws: Malformed.self) { try with(digits) { try AddressText.ipv6($0) } }
    }

    @Test func cutsCommandLinesBetweenCharacters() {
        let long = String(repeating: "ü", count: 400)
        for prefix in ["", "x"] {
            let text = commandLineText(Array((prefix + long).utf8).span.bytes)
            #expect(text.utf8.count <= 512 && text.utf8.count >= 511)
            #expect((prefix + long).hasPrefix(text))
        }
        let few = [UInt8](repeating: 0x80, count: 2)
        #expect(commandLineText(few.span.bytes) == "\u{FFFD}\u{FFFD}")
        let all = [UInt8](repeating: 0x80, count: 600)
        #expect(commandLineText(all.span.bytes).isEmpty)
    }
}
