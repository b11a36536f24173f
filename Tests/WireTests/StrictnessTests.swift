import Testing

@testable import Wire

@Suite struct StrictnessTests {
    /// RFC 8259 allows none of these.
    static let refused: [String] = [
        "", " ", "\n", "{", "}", "[", "]", "{]", "[}", "[1", "[1,", "[,1]", "[1,]", "[1,,2]",
        "[1 2]",
        "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1,,"b":2}"#, #"{"a" 1}"#, #"{a:1}"#,
        "{'a':1}", "{1:1}", #"{"a":1 "b":2}"#, #"{"a":1}}"#, #"{"a":1}x"#, "{}{}", "{} {}", "1 2",
        "[]]",
        "nul", "nulll", "True", "TRUE", "tru", "truee", "falsee", "undefined", "NaN", "nan",
        "Infinity",
        "-Infinity", "inf", "+1", "01", "-01", "00", "-", "--1", "1.", ".5", "-.5", "1.e3", "1e",
        "1e+",
        "1e1.5", "0x10", "1_000", "1,000", "1e 3", "- 1", "1a", "1.5.5", "²", "٣",
        #"""#, #"""""#, #""a"#, #""\""#, #""\x41""#, #""\'""#, #""\u""#, #""\u12""#, #""\u12G4""#,
        #""\U0041""#, #""\a""#, #""\0""#, "\"\n\"", "\"\t\"", "\"\u{1F}\"", "\"\0\"", "'a'",
        "\u{FEFF}{}",
        #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\ud800""#,
        #""\udc00\ud800""#, #""\ud800\u0041""#, #""\uDBFF""#, #"["\uDFFF"]"#, #"{"\ud800":1}"#,
        "/* c */ {}", "{} // c", "# c\n{}", "{}\0", "\0", "\0{}", "{}\u{A0}", "\u{A0}{}",
        "{}\u{2028}",
        "\u{B}1", "\u{C}1", "[1]\u{1}", "\u{FEFF}", "[\u{FEFF}]",
    ]

    @Test(arguments: refused)
    func whatRFC8259ForbidsIsRefused(text: String) throws {
        #expect(try refusal(text) != nil)
        #expect(try refusal("[1,\(text)]") != nil)
    }

    static let accepted: [String] = [
        "{}", "[]", "0", "-0", "1", "-1", "1.5", "1E5", "1e+5", "1e-5", "0.0", "0e0", "true",
        "false",
        "null", #""""#, #""a""#, " {} ", "\t\r\n{}\r\n\t ", "[ ]", "{ }", "[[],[]]",
        #"{"a":1,"b":[2]}"#,
        #"{"":1}"#, #"{"a":{"a":{"a":1}}}"#, #"[{"a":1},{"a":1}]"#, #""\"\\\/\b\f\n\r\t""#,
        #""\u0000""#, #""\u0041\u00e9\u20AC""#, #""\ud83d\ude00""#, #""\uDBFF\uDFFF""#,
        #""\uffff""#,
        "\"\u{7F}\"", "\"\u{80}\"", "\"\u{2028}\u{2029}\"", "\"\u{FFFF}\"", "\"\u{10FFFF}\"",
        "\"\u{FEFF}\"",
        "{\"a\":1,\"A\":2,\"a \":3,\"\u{E1}\":4,\"a\u{301}\":5}",
        "[0.1e1,-0.0,123456789012345678]", "[1 , 2\n,\t3 ]", "[\"/\"]",
    ]

    @Test(arguments: accepted)
    func whatRFC8259AllowsIsAccepted(text: String) throws {
        #expect(try refusal(text) == nil)
        #expect(try refusal("{\"a\":\(text)}") == nil)
    }

    @Test(
        arguments: [
            [0xFF], [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0xAF], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC3], [0xFE], [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func onlyUTF8IsAccepted(bytes: [UInt8]) throws {
        let quote = UInt8(ascii: "\"")
        #expect(try refusal([quote] + bytes + [quote]) == .notUTF8)
        #expect(try refusal(Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)) == .notUTF8)
    }

    @Test func otherEncodingsAndMarksAreRefused() throws {
        let text = Array(#"{"a":1}"#.utf8)
        #expect(try refusal([0xEF, 0xBB, 0xBF] + text) == .byteOrderMark)
        let littleEndian: [UInt8] = text.flatMap { [$0, 0] }
        let bigEndian: [UInt8] = text.flatMap { [0, $0] }
        let utf32: [UInt8] = text.flatMap { [0, 0, 0, $0] }
        for bytes in [littleEndian, bigEndian, utf32, [0xFF, 0xFE] + littleEndian] {
            #expect(try refusal(bytes) != nil)
        }
        #expect(try refusal([0xFE, 0xFF] + bigEndian) != nil)
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"\u0061":1,"a":1}"#, #"{"":1,"":2}"#,
        #"[{"a":1,"b":2,"a":3}]"#, #"{"x":{"y":{"a":1,"b":{},"a":[]}}}"#, #"{"é":1,"\u00e9":2}"#,
        #"{"\ud83d\ude00":1,"😀":2}"#, #"{"a\/b":1,"a/b":2}"#,
        #"{"long name of it":1,"long name of it":2}"#,
        #"{"a":{"a":1},"a":2}"#, #"{"\u0000":1,"\u0000":2}"#,
    ])
    func aNameThatComesTwiceIsRefusedHoweverItIsSpelt(text: String) throws {
        #expect(try refusal(text) == .duplicateName)
    }

    /// Objects of every size: the short ones are searched, the long ones hashed.
    @Test func aNameThatComesTwiceIsFoundInObjectsOfAnySize() throws {
        for count in [2, 3, 8, 63, 64, 65, 66, 200, 5000] {
            // Names that differ in their ninth byte, their length or their first.
            let names = (0..<count).map { "\($0 % 3)same____\($0)" }
            func object(_ names: [String]) -> String {
                "{" + names.map { "\"\($0)\":{\"\($0)\":1}" }.joined(separator: ",") + "}"
            }
            #expect(try refusal(object(names)) == nil)
            for twice in Set([0, 1, count / 2, count - 1]) {
                #expect(try refusal(object(names + [names[twice]])) == .duplicateName)
                #expect(try refusal(object([names[twice]] + names)) == .duplicateName)
            }
        }
    }
}
