import Testing

@testable import Wire

@Suite struct JSONNumberTests {
    struct Case: Sendable {
        var text: String
        var integer: Int64?
        var unsigned: UInt64?
        var number: Double

        init(_ text: String, _ integer: Int64?, _ unsigned: UInt64?, _ number: Double) {
            (self.text, self.integer, self.unsigned, self.number) = (
                text, integer, unsigned, number
            )
        }
    }

    @Test(arguments: [
        Case("0", 0, 0, 0), Case("-0", 0, 0, 0), Case("-0.0", 0, 0, 0), Case("1.0", 1, 1, 1),
        Case("-1", -1, nil, -1), Case("1e3", 1000, 1000, 1000), Case("-2.50e1", -25, nil, -25),
        Case("1.5", nil, nil, 1.5), Case("1e-400", 0, 0, 0), Case("0.1", nil, nil, 0.1),
        Case("9007199254740991", 9_007_199_254_740_991, 9_007_199_254_740_991, 0x1p53 - 1),
        Case("9007199254740992", 9_007_199_254_740_992, 9_007_199_254_740_992, 0x1p53),
        Case("9007199254740993", 9_007_199_254_740_993, 9_007_199_254_740_993, 0x1p53),
        Case("9007199254740991.0", 9_007_199_254_740_991, 9_007_199_254_740_991, 0x1p53 - 1),
        // As a double it could have been 2^53 + 1 as well.
        Case("9007199254740992.0", nil, nil, 0x1p53), Case("1e17", nil, nil, 1e17),
        Case("9223372036854775807", .max, 9_223_372_036_854_775_807, 0x1p63),
        Case("-9223372036854775808", .min, nil, -0x1p63),
        Case("9223372036854775808", nil, 9_223_372_036_854_775_808, 0x1p63),
        Case("18446744073709551615", nil, .max, 0x1p64),
        Case("1e308", nil, nil, 1e308), Case("5e-324", nil, nil, .leastNonzeroMagnitude),
    ])
    func wholeNumbersAreExactOrNothing(expected: Case) throws {
        try parse("[\(expected.text)]") { root in
            var elements = root.elements
            let value = elements.next()
            #expect(value?.integer == expected.integer)
            #expect(value?.unsigned == expected.unsigned)
            #expect(value?.number == expected.number)
        }
    }

    @Test(arguments: [
        "1e400", "-1e400", "18446744073709551616", "-9223372036854775809",
        "100000000000000000000000000000000000000000",
    ])
    func whatFitsNoTypeIsRefused(text: String) throws {
        #expect(try refusal("[\(text)]") == .badNumber)
    }
}
