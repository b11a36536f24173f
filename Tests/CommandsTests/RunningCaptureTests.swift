import Commands
import TestSupport
import Testing
import Wire

/// What is kept of a stream, and how it is cut into chunks.
@Suite struct RunningCaptureTests {
    private func captured(_ bytes: [UInt8], max: Int = 1000, ended: Bool = true) -> CapturedStream {
        var stream = CapturedStream(bytesMax: max)
        bytes.withUnsafeBytes {
            stream.append(RawSpan(_unsafeElements: $0.bindMemory(to: UInt8.self)))
        }
        if ended { stream.end() }
        return stream
    }

    @Test func aCharacterIsNotCutWhileItsRestMayCome() {
        var stream = captured(Array("grün".utf8.dropLast(2)), ended: false)
        #expect(stream.takeChunk()?.data == ExecData(Array("gr".utf8)))
        #expect(stream.takeChunk() == nil)
    }

    @Test func anUnfinishedCharacterAtTheEndIsSentAsBytes() {
        var stream = captured([0x61, 0xC3])
        let chunk = stream.takeChunk()
        #expect(chunk?.data.encoding == .base64)
        #expect(chunk?.data.bytes == [0x61, 0xC3])
        #expect(stream.isStreamed)
    }

    @Test func chunksFollowEachOtherWithoutAGap() {
        var random = SeededRandom()
        let letters = ["a", "ü", "€", "🙂", "\n", "\u{1}"]
        var text = ""
        while text.utf8.count < 200_000 {
            text += letters.randomElement(using: &random)!
        }
        var stream = captured(Array(text.utf8), max: 500_000)
        var all: [UInt8] = []
        while let (offset, data) = stream.takeChunk() {
            #expect(offset == UInt64(all.count), "seed \(random.seed)")
            let bytes = data.bytes ?? []
            #expect(!bytes.isEmpty && bytes.count <= RunningLimits.chunkBytesMax)
            all += bytes
        }
        #expect(all == Array(text.utf8), "seed \(random.seed)")
    }

    @Test func whatIsOverTheCapIsCounted() {
        let stream = captured([UInt8](repeating: 65, count: 5000), max: 1000)
        #expect(stream.bytes == 5000)
        #expect(stream.kept.count == 1000)
        #expect(stream.isTruncated)
    }

    @Test func controlCharactersGrowNoFurtherThanBase64() {
        let data = ExecData([UInt8](repeating: 1, count: 30_000))
        #expect(data.encoding == .base64)
        #expect(data.text.utf8.count == 40_000)
    }

    @Test func base64IsStrict() {
        for bytes in [[], [0], [0, 255], [1, 2, 3], [UInt8](0...255)] as [[UInt8]] {
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        #expect(Base64.encode(Array("any carnal pleas".utf8)) == "YW55IGNhcm5hbCBwbGVhcw==")
        for bad in ["A", "AA=A", "AAA", "AB==", "A=AA", "====", "AA-A", "AAAA AAAA"] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
    }
}
