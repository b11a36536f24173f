import Testing

@testable import Wire

@Suite struct EpochTests {
    @Test(
        arguments: [
            (0, 0, "00000000000000000000000000000000"), (1, 2, "00000000000000010000000000000002"),
            (.max, .max, "ffffffffffffffffffffffffffffffff"),
            (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, "0123456789abcdeffedcba9876543210"),
        ] as [(UInt64, UInt64, String)])
    func anEpochIsThirtyTwoDigits(high: UInt64, low: UInt64, text: String) {
        let epoch = Epoch(high: high, low: low)
        #expect(epoch.description == text)
        #expect(Epoch(text) == epoch)
        #expect(Epoch(text.uppercased()) == epoch)
        #expect(write { $0.member("e", epoch) }.text == "\"e\":\"\(text)\"")
    }

    @Test(arguments: [
        "", "0", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100",
        "0123456789abcdeffedcba987654321g", "0x23456789abcdeffedcba9876543210",
        " 123456789abcdeffedcba9876543210",
        "0123456789abcdeffedcba98765432١",
    ])
    func whatIsNotExactlyThatIsNone(text: String) {
        #expect(Epoch(text) == nil)
    }
}
