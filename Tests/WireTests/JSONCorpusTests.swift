import Foundation
import Testing

@testable import Wire

/// Whole texts that RFC 8259 allows, and texts that it or our limits forbid, by category.
///
/// The lists in `Tests/Fixtures/json` are ours. Where the public JSONTestSuite is at hand, its files
/// are tried too: `VIREO_JSON_SUITE=FOLDER/test_parsing swift test --filter JSONCorpusTests`.
@Suite struct JSONCorpusTests {
    struct Entry {
        let name: String
        let bytes: [UInt8]
    }

    static func entries(_ file: String) throws -> [Entry] {
        try fixture("json/\(file)").split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            let parts = $0.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            return Entry(name: String(parts[0]), bytes: unescaped(parts[1]))
        }
    }

    private static func unescaped(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.dropFirst().prefix(2), as: UTF8.self)
            bytes.append(UInt8(digits, radix: 16)!)
            rest = rest.dropFirst(3)
        }
        return bytes
    }

    @Test func whatIsAllowedIsRead() throws {
        let entries = try Self.entries("accepted.tsv")
        #expect(entries.count > 150)
        for entry in entries { #expect(try refusal(entry.bytes) == nil, "\(entry.name)") }
    }

    @Test func whatIsForbiddenIsRefused() throws {
        let entries = try Self.entries("refused.tsv")
        #expect(entries.count > 350)
        for entry in entries { #expect(try refusal(entry.bytes) != nil, "\(entry.name)") }
    }

    static let suite = ProcessInfo.processInfo.environment["VIREO_JSON_SUITE"]

    @Test(.enabled(if: suite != nil, "VIREO_JSON_SUITE names no folder"))
    func thePublicSuiteIsJudgedRight() throws {
        let folder = URL(filePath: try #require(Self.suite))
        var counts: [Character: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            let bytes = Array(try Data(contentsOf: folder.appending(path: name)))
            guard let kind = name.first, name.hasSuffix(".json") else { continue }
            counts[kind, default: 0] += 1
            switch kind {
            // Two of them repeat a name, which RFC 8259 discourages and we refuse.
            case "y" where name.contains("duplicated_key"):
                #expect(try refusal(bytes) == .duplicateName, "\(name)")
            case "y": #expect(try refusal(bytes) == nil, "\(name)")
            case "n": #expect(try refusal(bytes) != nil, "\(name)")
            default: _ = try refusal(bytes)
            }
        }
        print("JSONTestSuite: \(counts["y"] ?? 0) to accept, \(counts["n"] ?? 0) to refuse")
        #expect((counts["y"] ?? 0) >= 95 && (counts["n"] ?? 0) >= 188)
    }
}
