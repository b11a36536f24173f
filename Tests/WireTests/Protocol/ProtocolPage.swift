import Foundation

/// The protocol's page, and what carries the numbers of its statements.
enum ProtocolPage {
    static let root = fixtures.deletingLastPathComponent().deletingLastPathComponent()

    static func text() throws -> String {
        let page = root.appending(path: "Sources/Wire/Wire.docc/Protocol.md")
        return try String(contentsOf: page, encoding: .utf8)
    }

    /// The numbers behind `mark` in a text: `P-12` has 12.
    static func numbers(in text: String, after mark: String) -> [Int] {
        text.components(separatedBy: mark).dropFirst().compactMap { rest in
            Int(rest.prefix { $0.isASCII && $0.isNumber })
        }
    }

    /// Every file of the tests that may carry a number.
    static func tests() throws -> [URL] {
        let folder = root.appending(path: "Tests")
        let paths = FileManager.default.enumerator(atPath: folder.path)?.compactMap {
            $0 as? String
        }
        return (paths ?? []).sorted().map { folder.appending(path: $0) }
            .filter { ["swift", "jsonl", "py"].contains($0.pathExtension) }
    }
}
