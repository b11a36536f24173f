import Framing
import Testing

@testable import Wire

/// Statements P-1 to P-13 of the protocol, as far as no agent is needed for them.
@Suite struct ProtocolFrameTests {
    enum Found: Equatable {
        case frame(String)
        case overlong(UInt64)
    }

    /// What stands in a text that is shown at once.
    static func frames(_ text: [UInt8], scanner: FrameScanner = FrameScanner()) -> [Found] {
        var scanner = scanner
        var unread = text[...]
        var found: [Found] = []
        while true {
            let bytes = Array(unread)
            let consumed: Int
            switch scanner.next(RawSpan(_elements: bytes.span)) {
            case .frame(let frame):
                found.append(.frame(String(decoding: bytes[frame.bytes], as: UTF8.self)))
                consumed = frame.consumed
            case .overlong(let count, let done):
                found.append(.overlong(count))
                consumed = done
            case .incomplete: return found
            }
            unread = unread.dropFirst(consumed)
        }
    }

    static func frames(_ text: String) -> [Found] { frames(Array(text.utf8)) }

    @Test("P-1 a frame is one JSON object and a newline", arguments: ["[]", "7", "\"x\"", "null"])
    func frameIsAnObject(text: String) throws {
        #expect(
            Self.frames("{\"a\":1}\n{\"b\":2}\n{") == [.frame("{\"a\":1}"), .frame("{\"b\":2}")])
        let reply = try hostMessage(text).errorReply(wallMilliseconds: 0)
        #expect(reply?.code == .invalidMessage)
        #expect(try refusal("{} {}") == .notJSON)
    }

    @Test("P-2 a frame has at most 1,048,576 bytes with its newline")
    func longestFrame() throws {
        let head = "{\"type\":\"Metrics\",\"x\":\""
        let padding = String(repeating: "x", count: 1_048_576 - head.utf8.count - 3)
        let longest = head + padding + "\"}"
        #expect(Self.frames(longest + "\n") == [.frame(longest)])
        #expect(try hostMessage(longest) == .metricsRequest(MetricsRequest()))
        #expect(Self.frames(head + padding + "x\"}\n") == [.overlong(1_048_577)])
        #expect(WireLimits.frameBytesMax == 1_048_576)
    }

    @Test("P-3 a carriage return before the newline is dropped, empty lines are ignored")
    func lineEnds() {
        #expect(Self.frames("\n\n{}\r\n\r\n\n{}\n") == [.frame("{}"), .frame("{}")])
        #expect(Self.frames("{}\r\r\n") == [.frame("{}\r")])
    }

    @Test("P-6 no part of a discarded line is taken for a message")
    func discardedLine() {
        let request = "{\"type\":\"Metrics\"}"
        let long = request + String(repeating: " ", count: 1 << 20) + request
        #expect(
            Self.frames(long + "\n{}\n") == [.overlong(UInt64(long.utf8.count + 1)), .frame("{}")])
    }

    @Test("P-7 what RFC 8259 forbids is refused, and marks and other encodings")
    func strict() throws {
        #expect(try refusal("{\"a\":1,}") == .notJSON)
        #expect(try refusal("{\"a\":NaN}") == .notJSON)
        #expect(try refusal("\u{FEFF}{}") == .byteOrderMark)
        #expect(try refusal([0x22, 0xFF, 0x22]) == .notUTF8)
        #expect(try refusal(Array("{}".utf8).flatMap { [$0, 0] }) != nil)
    }

    @Test("P-8 a name that comes twice is refused, however it is spelt")
    func namesOnce() throws {
        #expect(try refusal(#"{"a":1,"\u0061":2}"#) == .duplicateName)
        #expect(try refusal(#"{"x":[{"a":1,"a":1}]}"#) == .duplicateName)
        #expect(try refusal(#"{"a":{"a":1}}"#) == nil)
    }

    @Test("P-9 more than 64 brackets open at once are refused")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try refusal(nested(64)) == nil)
        #expect(try refusal(nested(65)) == .tooDeep)
    }

    @Test("P-10 more than 65,536 values and names are refused")
    func tokens() throws {
        func array(_ count: Int) -> String {
            "[" + String(repeating: "1,", count: count - 2) + "1]"
        }
        #expect(try refusal(array(65_536)) == nil)
        #expect(try refusal(array(65_537)) == .tooManyTokens)
    }

    @Test("P-11 integers have 64 bits, other numbers fit a double")
    func numbers() throws {
        let largest = try parse("[18446744073709551615]") { root -> UInt64? in
            var elements = root.elements
            return elements.next()?.unsigned
        }
        #expect(largest == .max)
        #expect(try refusal("[18446744073709551616]") == .badNumber)
        #expect(try refusal("[-9223372036854775809]") == .badNumber)
        #expect(try refusal("[1e400]") == .badNumber)
        #expect(try refusal("[1e308]") == nil)
        let blanks = String(repeating: " ", count: 65_537)
        func fraction(_ bytes: Int) -> String { "1." + String(repeating: "0", count: bytes - 2) }
        #expect(WireLimits.numberBytesMax == 1024)
        #expect(try refusal("[" + fraction(1024) + "]" + blanks) == nil)
        #expect(try refusal("[" + fraction(1025) + "]" + blanks) == .badNumber)
        #expect(try refusal("[" + fraction(1025) + "]") == nil)
        func many(_ count: Int, _ bytes: Int) -> String {
            "[" + String(repeating: fraction(bytes) + ",", count: count - 1) + fraction(bytes) + "]"
        }
        #expect(WireLimits.longNumbersMax == 2048)
        #expect(try refusal(many(2048, 40) + blanks) == nil)
        #expect(try refusal(many(2049, 40) + blanks) == .badNumber)
        #expect(try refusal(many(2049, 21) + blanks) == .badNumber)
        #expect(try refusal(many(20_000, 20)) == nil)
    }

    @Test("P-13 a line that stays without its newline is given up and told of as discarded")
    func partialFrame() {
        #expect(FramingLimits.partialFrameMillisecondsMax == 30_000)
        var scanner = FrameScanner()
        let start = Array("{\"type\":\"Met".utf8)
        #expect(scanner.next(RawSpan(_elements: start.span)) == .incomplete(consumed: 0))
        #expect(scanner.abandonPartialFrame(heldBytes: start.count) == start.count)
        let rest = Array("rics\"}\n{}\n".utf8)
        let found = Self.frames(rest, scanner: scanner)
        #expect(found == [.overlong(UInt64(start.count + 7)), .frame("{}")])
    }
}
