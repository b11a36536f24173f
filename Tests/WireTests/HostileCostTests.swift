import CAllocationCounter
import Foundation
import Testing

@testable import Wire

/// What a hostile frame costs before it is refused: how long that takes is a benchmark
/// (`Benchmarks/hostile`), what it allocates is counted here.
@Suite struct HostileCostTests {
    static func filled(_ unit: String, from start: String = "", to end: String = "") -> [UInt8] {
        let room = WireLimits.frameBytesMax - 1 - start.utf8.count - end.utf8.count
        return Array((start + String(repeating: unit, count: room / unit.utf8.count) + end).utf8)
    }

    /// How many allocations a parse makes, and the memory that the parser holds then.
    private static func cost(
        _ bytes: [UInt8], _ parser: inout JSONParser
    ) -> (allocations: UInt64, memoryBytes: Int, error: JSONError?) {
        var failure: JSONError?
        let before = callocation_counter_of_this_thread()
        do throws(JSONError) {
            try parser.parse(RawSpan(_elements: bytes.span))
        } catch {
            failure = error
        }
        return (callocation_counter_of_this_thread() - before, parser.memoryBytes, failure)
    }

    /// What the test's own call costs: a debug build allocates where an error is thrown.
    private static func callCost(_ text: String, _ parser: inout JSONParser) -> UInt64 {
        let bytes = Array(text.utf8)
        _ = cost(bytes, &parser)
        return cost(bytes, &parser).allocations
    }

    @Test func theCounterCounts() {
        let before = callocation_counter_of_this_thread()
        var arrays: [[UInt8]] = []
        for count in 1...10 { arrays.append([UInt8](repeating: 0, count: 1000 * count)) }
        #expect(arrays.count == 10)
        #if !ADDRESS_SANITIZER
            #expect(callocation_counter_of_this_thread() >= before + 10)
        #endif
    }

    /// Depth and tokens are counted before anything is spent.
    @Test func whatIsOverALimitAllocatesNothing() throws {
        var parser = try JSONParser()
        try parser.parse(Array(#"{"type":"Metrics"}"#.utf8))
        let idle = parser.memoryBytes
        let call = Self.callCost("]", &parser)
        let frames: [(bytes: [UInt8], error: JSONError)] = [
            (Self.filled("["), .tooDeep), (Self.filled("{\"a\":"), .tooDeep),
            (Self.filled("1,", from: "[", to: "1]"), .tooManyTokens),
            (Self.filled("\"name\":0,", from: "{", to: "\"n\":0}"), .tooManyTokens),
            (Self.filled("[],", from: "[", to: "1]"), .tooManyTokens),
            (Self.filled("x") + [0x20], .tooLong), (Self.filled("]"), .notJSON),
        ]
        for (bytes, error) in frames {
            let cost = Self.cost(bytes, &parser)
            #expect(cost.error == error)
            #expect(cost.allocations == call, "\(error)")
            #expect(cost.memoryBytes == idle, "\(error)")
        }
    }

    /// What has to be parsed to be refused costs a bounded number of allocations, and its memory
    /// stays what it was.
    @Test func whatIsParsedCostsItsMemoryOnce() throws {
        var parser = try JSONParser()
        let frames = [
            Self.filled("\\u0000", from: "\"", to: "\""), Self.filled("9"),
            Self.filled("9", from: "1e"), Self.filled("\\ud800", from: "\"", to: "\""),
            Self.filled("x", from: "\""), Self.filled(" "),
        ]
        let calls = [Self.callCost("[]", &parser), Self.callCost("]", &parser)]
        for bytes in frames { _ = Self.cost(bytes, &parser) }
        let held = parser.memoryBytes
        #expect(held < 17 << 20)
        for bytes in frames {
            let cost = Self.cost(bytes, &parser)
            // simdjson copies a number that is the whole text, for want of padding behind it.
            #expect(cost.allocations <= calls.max()! + 1)
            #expect(cost.memoryBytes == held)
        }
    }

    /// Names that agree in their first bytes and in their length, so that no short cut tells them
    /// apart.
    @Test func manyNamesCostOneAllocation() throws {
        var parser = try JSONParser()
        let names = (0..<30_000).map { "\"same_same_same_\(100_000 + $0)\":0" }
        let bytes = Array("{\(names.joined(separator: ",")),\"same_same_same_100077\":0}".utf8)
        let call = Self.callCost("]", &parser)
        _ = Self.cost(bytes, &parser)
        let cost = Self.cost(bytes, &parser)
        #expect(cost.error == .duplicateName)
        #expect(cost.allocations <= call + 1)
    }
}
