import Foundation
import Kernel
import Testing

/// The example of the article "Embedding the engine", compiled as anybody's package would compile
/// it, and run.
@Suite struct EmbeddingTests {
    @Test func theArticleShowsTheCodeThatIsCompiledHere() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let article = try String(
            contentsOf: here.appending(
                path: "../../Sources/IOEngine/IOEngine.docc/EmbeddingTheEngine.md"),
            encoding: .utf8)
        let code = try String(
            contentsOf: here.appending(path: "FrameReader.swift"), encoding: .utf8)
        let blocks = article.components(separatedBy: "```swift\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(
            blocks.contains(code), "copy Tests/EmbeddingTests/FrameReader.swift into the article")
    }

    @Test func theExampleShowsEveryFrameOnceInOrderAndWhole() throws {
        let sizes = [1, 2, 100, 4096, 65_535, 65_536, 70_000, 1_048_575, 3]
        let frames = sizes.enumerated().map { number, size in
            [UInt8](repeating: UInt8(97 + number), count: size)
        }
        let tooLong = [UInt8](repeating: 122, count: 1_048_577)
        let pair = try UnixSocket.pair()
        let far = dup(pair.far.number)
        _ = fcntl(far, F_SETFL, 0)
        let writer = Thread {
            for bytes in frames.dropLast() + [tooLong, frames.last!] {
                let line = bytes + [0x0a]
                var done = 0
                while done < line.count {
                    let count = line[done...].withUnsafeBytes {
                        write(far, $0.baseAddress, $0.count)
                    }
                    guard count > 0 else { return }
                    done += count
                }
            }
            close(far)
        }
        writer.start()
        let reader = try FrameReader(pair.takeNear())
        var seen: [[UInt8]] = []
        reader.run { frame in seen.append(frame.withUnsafeBytes { Array($0) }) }
        #expect(seen.count == frames.count)
        #expect(seen == frames)
    }
}
