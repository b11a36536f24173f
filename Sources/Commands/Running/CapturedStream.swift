import Kernel
public import Wire

/// What a command printed on one stream: the first bytes of it, and how many there were.
public struct CapturedStream: Sendable {
    public let bytesMax: Int
    /// The first ``bytesMax`` bytes at most.
    public private(set) var kept: [UInt8] = []
    /// All bytes that were read.
    public private(set) var bytes: UInt64 = 0
    /// Nothing comes any more.
    public private(set) var isEnded = false
    /// How many of the kept bytes were handed out as chunks.
    public private(set) var streamedBytes = 0

    public init(bytesMax: Int = RunningLimits.outputBytesMax) {
        precondition(bytesMax >= 0)
        self.bytesMax = min(bytesMax, RunningLimits.outputBytesMax)
    }

    /// Whether more was printed than is kept.
    public var isTruncated: Bool { bytes > UInt64(kept.count) }

    public mutating func append(_ span: RawSpan) {
        precondition(!isEnded, "bytes behind the end of a stream")
        bytes += UInt64(span.byteCount)
        let count = min(span.byteCount, bytesMax - kept.count)
        guard count > 0 else { return }
        for place in 0..<count { kept.append(span.byte(at: place)) }
    }

    public mutating func end() { isEnded = true }

    /// Whether all that is kept was handed out, and nothing more comes.
    public var isStreamed: Bool { isEnded && streamedBytes == kept.count }

    /// Where the next chunk begins and ends, `nil` while there is none: at most
    /// ``RunningLimits/chunkBytesMax`` bytes, and no character is cut while its rest may come.
    private var nextRange: Range<Int>? {
        let end = min(kept.count, streamedBytes + RunningLimits.chunkBytesMax)
        guard end > streamedBytes else { return nil }
        let isLast = end == kept.count && (isEnded || kept.count == bytesMax)
        guard !isLast else { return streamedBytes..<end }
        let begun = UTF8Tail.bytesOfUnfinishedCharacter(kept[streamedBytes..<end])
        return begun == end - streamedBytes ? nil : streamedBytes..<end - begun
    }

    public var hasChunk: Bool { nextRange != nil }

    /// The next piece of the stream, `nil` when there is none now.
    public mutating func takeChunk() -> (offset: UInt64, data: ExecData)? {
        guard let range = nextRange else { return nil }
        streamedBytes = range.upperBound
        return (UInt64(range.lowerBound), ExecData(kept[range]))
    }
}

/// The end of a text in UTF-8 that may go on.
enum UTF8Tail {
    /// How many bytes at the end begin a character that they do not finish: 0 to 3. Bytes that are
    /// no such beginning count as finished: they never become a character.
    static func bytesOfUnfinishedCharacter(_ bytes: ArraySlice<UInt8>) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.endIndex - back]
            switch byte {
            case 0x80...0xBF: continue
            case 0xC2...0xDF: return back < 2 ? back : 0
            case 0xE0...0xEF: return back < 3 ? back : 0
            case 0xF0...0xF4: return back < 4 ? back : 0
            default: return 0
            }
        }
        return 0
    }
}
