import TestSupport
import Testing

@testable import Wire

/// Frames of the greatest length, made to cost more than they should.
@Suite struct HostileFrameTests {
    static let bytesMax = WireLimits.frameBytesMax - 1

    private static func filled(_ unit: String, from start: String = "", to end: String = "")
        -> String
    {
        let room = bytesMax - start.utf8.count - end.utf8.count
        return start + String(repeating: unit, count: room / unit.utf8.count) + end
    }

    @Test(arguments: [
        ("[", "", "", JSONError.tooDeep), ("{\"a\":", "", "", .tooDeep),
        ("[{\"a\":", "", "", .tooDeep),
        ("1,", "", "", .tooManyTokens), ("1,", "[", "1]", .tooManyTokens),
        ("\"\",", "[", "1]", .tooManyTokens), ("[],", "[", "1]", .tooManyTokens),
        ("{},", "[", "1]", .tooManyTokens), (",", "", "", .tooManyTokens),
        (":", "{", "}", .tooManyTokens),
        ("null ", "", "", .tooManyTokens), ("]", "", "", .notJSON), ("\"", "", "", .tooManyTokens),
        ("\\", "\"", "", .notJSON), (" ", "", "", .notJSON), ("9", "", "", .badNumber),
        ("0", "1.", "", .badNumber),
        ("\\ud800", "\"", "\"", .notJSON), ("\0", "", "", .notJSON),
        ("\"a\":1,", "{", "\"b\":1}", .tooManyTokens),
    ])
    func aLongFrameIsRefusedForWhatItIs(
        unit: String, start: String, end: String, error: JSONError
    ) throws {
        #expect(try refusal(Self.filled(unit, from: start, to: end)) == error)
    }

    @Test(arguments: [
        ("x", "\"", "\""), ("é", "\"", "\""), ("\\\"", "\"", "\""), ("\\u0000", "\"", "\""),
        (" ", "", "1"), ("\n", "{", "}"),
        ("[{}, \"a string that is long enough to keep the tokens few\"],", "[", "1]"),
    ])
    func aLongFrameThatIsJSONIsRead(unit: String, start: String, end: String) throws {
        #expect(try refusal(Self.filled(unit, from: start, to: end)) == nil)
    }

    @Test func manyNamesAreReadAndSixtyThousandAreTooMany() throws {
        func object(_ count: Int, last: Int) -> String {
            "{" + (0..<count).map { "\"same8same\($0)\":0," }.joined() + "\"same8same\(last)\":0}"
        }
        #expect(try refusal(object(30_000, last: 30_000)) == nil)
        #expect(try refusal(object(30_000, last: 77)) == .duplicateName)
        #expect(try refusal(object(48_000, last: 77)) == .tooManyTokens)
    }

    @Test func aParserIsAsGoodAsNewAfterEachOfThem() throws {
        var parser = try JSONParser()
        let hostile = [
            Self.filled("["), Self.filled("1,"), Self.filled("x", from: "\"", to: "\""), "",
            "{\"a\":1,\"a\":1}",
        ]
        let good = Array(#"{"type":"Metrics","id":"7"}"#.utf8)
        for text in hostile {
            let bytes = Array(text.utf8)
            try? parser.parse(bytes)
            try parser.parse(good)
            guard case .metricsRequest(let request) = HostMessage(parser.root) else {
                Issue.record("another message after \(text.prefix(20))")
                continue
            }
            #expect(request.id == "7")
        }
        // 15 bytes a byte of the longest text and its copy: see csimdjson.h.
        #expect(parser.memoryBytes < 17 << 20)
    }

    @Test func anIdleParserIsSmall() throws {
        var parser = try JSONParser()
        let text = Array(#"{"type":"Metrics"}"#.utf8)
        try parser.parse(text)
        #expect(parser.memoryBytes < 64 << 10)
    }

    @Test func randomBytesAndDamagedMessagesDoNotCrash() throws {
        var generator = SeededRandom()
        let message = Array(try fixture("wire-golden/metrics.json").utf8.dropLast())
        var parser = try JSONParser()
        var accepted = 0
        for _ in 0..<3000 {
            var bytes = message
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = bytes.indices.randomElement(using: &generator)!
                switch UInt8.random(in: 0...2, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                default: bytes.removeLast(min(bytes.count - 1, index))
                }
            }
            guard (try? parser.parse(bytes)) != nil else { continue }
            accepted += 1
            _ = GuestMessage(parser.root)
            _ = HostMessage(parser.root)
        }
        // A digit or a letter changed for another leaves JSON: some must get through.
        #expect(accepted > 0 && accepted < 3000)
    }
}
