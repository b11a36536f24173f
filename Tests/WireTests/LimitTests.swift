import Testing

@testable import Wire

@Suite struct LimitTests {
    private static func nested(_ depth: Int, _ inner: String) -> [String] {
        [
            String(repeating: "[", count: depth) + inner + String(repeating: "]", count: depth),
            String(repeating: #"{"a":"#, count: depth - 1) + "{"
                + (inner.isEmpty ? "" : "\"b\":" + inner)
                + String(repeating: "}", count: depth),
        ]
    }

    @Test(arguments: ["", "1", "\"]}\""])
    func sixtyFourLevelsAreReadAndOneMoreIsNot(inner: String) throws {
        for text in Self.nested(WireLimits.depthMax, inner) { #expect(try refusal(text) == nil) }
        for text in Self.nested(WireLimits.depthMax + 1, inner) {
            #expect(try refusal(text) == .tooDeep)
        }
        // Long enough for the pass that counts before the parser runs.
        let filler = "\"" + String(repeating: "[", count: 70_000) + "\""
        for text in Self.nested(WireLimits.depthMax - 1, filler) {
            #expect(try refusal(text) == nil)
        }
        for text in Self.nested(WireLimits.depthMax + 1, filler) {
            #expect(try refusal(text) == .tooDeep)
        }
    }

    @Test func depthCountsOpenBracketsAndNotAllOfThem() throws {
        let row = "[" + Array(repeating: "[[[]]]", count: 1000).joined(separator: ",") + "]"
        #expect(try refusal(row) == nil)
    }

    @Test func sixtyFiveThousandTokensAreReadAndOneMoreIsNot() throws {
        func array(_ elements: Int) -> String {
            "[" + Array(repeating: "1", count: elements).joined(separator: ",") + "]"
        }
        #expect(try refusal(array(WireLimits.tokensMax - 1)) == nil)
        #expect(try refusal(array(WireLimits.tokensMax)) == .tooManyTokens)
        func object(_ members: Int) -> String {
            "{" + (0..<members).map { "\"\($0)\":\"[,:]\"" }.joined(separator: ",") + "}"
        }
        // A name and its value are two.
        #expect(try refusal(object((WireLimits.tokensMax - 1) / 2)) == nil)
        #expect(try refusal(object(WireLimits.tokensMax / 2)) == .tooManyTokens)
    }

    @Test func theReaderCountsTokensAsTheWriterDoes() throws {
        func text(tokens: Int) -> String {
            write { writer in
                writer.beginArray()
                writer.beginObject()
                writer.member("name", 1.5)
                writer.key("[\"")
                writer.null()
                writer.key("\\")
                writer.value(true)
                writer.endObject()
                while writer.tokens < tokens { writer.value("\"]\\") }
                writer.endArray()
            }.text
        }
        #expect(try refusal(text(tokens: WireLimits.tokensMax)) == nil)
        #expect(try refusal(text(tokens: WireLimits.tokensMax + 1)) == .tooManyTokens)
    }

    @Test func aFrameOfTheGreatestLengthIsReadAndALongerOneIsNot() throws {
        let longest = "\"" + String(repeating: "x", count: WireLimits.frameBytesMax - 3) + "\""
        #expect(longest.utf8.count == WireLimits.frameBytesMax - 1)
        #expect(try refusal(longest) == nil)
        #expect(try refusal(longest + " ") == .tooLong)
    }
}
