import Foundation
import TestSupport
import Testing

/// The fuzzer's bodies on its kept corpus: what it once found or reached stays tried.
@Suite struct ReplayTests {
    static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/corpus")

    @Test(arguments: FuzzTarget.allNames)
    func theKeptCorpusBreaksNoPromise(name: String) throws {
        let body = try #require(FuzzTarget.named(name))
        let folder = Self.corpus.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(files.count >= 20, "\(name) has a corpus of \(files.count)")
        for file in files { body(Array(try Data(contentsOf: folder.appending(path: file)))) }
    }

    /// A few thousand inputs more that nobody chose, so that a broken body is seen without a fuzzer.
    @Test(arguments: FuzzTarget.allNames)
    func randomBytesBreakNoPromise(name: String) throws {
        let body = try #require(FuzzTarget.named(name))
        var random = SeededRandom(for: name)
        for _ in 0..<500 {
            body((0..<random.below(511)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }

    @Test func theCorpusIsSmall() throws {
        let paths =
            FileManager.default.enumerator(atPath: Self.corpus.path)?
            .compactMap { $0 as? String } ?? []
        let bytes = try paths.reduce(0) { sum, path in
            let path = Self.corpus.appending(path: path).path
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let isFile = attributes[.type] as? FileAttributeType == .typeRegular
            return sum + (isFile ? attributes[.size] as? Int ?? 0 : 0)
        }
        #expect(bytes < 300_000)
    }
}
