import Foundation
import Testing

@testable import Wire

/// What `body` writes into `room` bytes, and how the writer ended. Fails when a byte behind the
/// room was touched.
func write(
    room: Int = WireLimits.frameBytesMax, _ body: (inout JSONWriter) -> Void
) -> (text: String, overflowed: Bool, tokens: Int) {
    let canary: UInt8 = 0xA5
    var memory = [UInt8](repeating: canary, count: room + 64)
    var result = (count: 0, overflowed: false, tokens: 0)
    do {
        var bytes = memory.mutableSpan
        var all = MutableRawSpan(_elements: &bytes)
        var writer = JSONWriter(all._mutatingExtracting(first: room))
        body(&writer)
        result = (writer.count, writer.overflowed, writer.tokens)
    }
    #expect(result.count <= room)
    #expect(memory[room...].allSatisfy { $0 == canary }, "wrote past a room of \(room) bytes")
    return (
        String(decoding: memory[..<result.count], as: UTF8.self), result.overflowed, result.tokens
    )
}

/// A message as one frame, without its newline.
func frame(_ message: some WireMessage, sourceLocation: SourceLocation = #_sourceLocation) -> String
{
    let (text, _, _) = write { writer in
        guard case .written(let count) = message.encode(into: &writer) else {
            Issue.record("no room", sourceLocation: sourceLocation)
            return
        }
        #expect(count == writer.count, sourceLocation: sourceLocation)
    }
    #expect(text.hasSuffix("\n"), sourceLocation: sourceLocation)
    return String(text.dropLast())
}

extension JSONParser {
    /// The first `count` bytes of an array, all of them without one.
    mutating func parse(_ bytes: [UInt8], count: Int? = nil) throws(JSONError) {
        try parse(RawSpan(_elements: bytes.span), count: count ?? bytes.count)
    }
}

/// What `read` makes of a text's root.
func parse<Result>(
    _ text: String, _ read: (JSONValue) throws -> Result
) throws -> Result {
    try parse(Array(text.utf8), read)
}

func parse<Result>(_ bytes: [UInt8], _ read: (JSONValue) throws -> Result) throws -> Result {
    var parser = try JSONParser()
    try parser.parse(bytes)
    return try read(parser.root)
}

/// Why a text is refused, or `nil` when it is not.
func refusal(_ bytes: [UInt8]) throws -> JSONError? {
    var parser = try JSONParser()
    do throws(JSONError) {
        try parser.parse(bytes)
        return nil
    } catch {
        #expect(parser.root.type == .missing)
        return error
    }
}

func refusal(_ text: String) throws -> JSONError? { try refusal(Array(text.utf8)) }

func hostMessage(_ text: String) throws -> HostMessage { try parse(text) { HostMessage($0) } }
func guestMessage(_ text: String) throws -> GuestMessage { try parse(text) { GuestMessage($0) } }

/// Tests/Fixtures.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures")

func fixture(_ path: String) throws -> String {
    try String(contentsOf: fixtures.appending(path: path), encoding: .utf8)
}
