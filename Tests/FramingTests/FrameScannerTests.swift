import CAllocationCounter
import Framing
import TestSupport
import Testing

/// What a scanner told of a stream, in the order in which it did.
enum Told: Equatable {
    case frame([UInt8])
    case overlong(UInt64)
}

/// Shows `stream` to a scanner in the given pieces, keeping what it did not consume, as a ring
/// would.
func scan(_ stream: [UInt8], pieces: [Int], frameBytesMax: Int) -> [Told] {
    var scanner = FrameScanner(frameBytesMax: frameBytesMax)
    var held: [UInt8] = []
    var told: [Told] = []
    var position = 0
    for piece in pieces {
        let end = min(stream.count, position + piece)
        held += stream[position..<end]
        position = end
        var isMore = true
        while isMore {
            switch scanner.next(held.span.bytes) {
            case .frame(let frame):
                told.append(.frame(Array(held[frame.bytes])))
                held.removeFirst(frame.consumed)
            case .overlong(let bytes, let consumed):
                told.append(.overlong(bytes))
                held.removeFirst(consumed)
            case .incomplete(let consumed):
                held.removeFirst(consumed)
                isMore = false
            }
            #expect(held.count < frameBytesMax + piece, "the scanner holds more than a frame")
        }
    }
    return told
}

/// The same by the plain definition, for comparison: split at newlines, look at each line.
func reference(_ stream: [UInt8], frameBytesMax: Int) -> [Told] {
    var told: [Told] = []
    var line: [UInt8] = []
    for byte in stream {
        guard byte == 0x0a else {
            line.append(byte)
            continue
        }
        if line.count + 1 > frameBytesMax {
            told.append(.overlong(UInt64(line.count + 1)))
        } else {
            if line.last == 0x0d { line.removeLast() }
            if !line.isEmpty { told.append(.frame(line)) }
        }
        line = []
    }
    return told
}

@Suite struct FrameScannerTests {
    @Test func everySplitPointGivesTheSameFrames() {
        let stream = Array(
            "\n{\"a\":1}\r\n\r\n\n{\"half\":\n{\"tail\":2}\nxxxxxxxxxxxxxxxxxxxx\n{}\nrest".utf8)
        let expected = reference(stream, frameBytesMax: 16)
        #expect(expected.contains(.overlong(21)))
        for first in 0...stream.count {
            for second in first...stream.count {
                let pieces = [first, second - first, stream.count - second]
                #expect(scan(stream, pieces: pieces, frameBytesMax: 16) == expected)
            }
        }
        #expect(scan(stream, pieces: stream.map { _ in 1 }, frameBytesMax: 16) == expected)
    }

    @Test func randomStreamsGiveTheFramesOfThePlainDefinition() {
        var random = SeededRandom()
        for _ in 0..<3000 {
            let alphabet: [UInt8] = [0x0a, 0x0d, 0x61, 0x61, 0x61, 0x00, 0xff]
            let stream = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                alphabet.randomElement(using: &random)!
            }
            var pieces: [Int] = []
            while pieces.reduce(0, +) < stream.count {
                pieces.append(Int.random(in: 1...40, using: &random))
            }
            let cap = Int.random(in: 2...30, using: &random)
            let told = scan(stream, pieces: pieces, frameBytesMax: cap)
            guard told == reference(stream, frameBytesMax: cap) else {
                Issue.record(
                    "seed \(random.seed): \(stream) in \(pieces) with cap \(cap) gave \(told)")
                return
            }
        }
    }

    @Test func aFrameOfExactlyTheCapPassesAndOneByteMoreDoesNot() {
        let cap = FramingLimits.frameBytesMax
        #expect(cap == 1_048_576)
        let fits = [UInt8](repeating: 0x61, count: cap - 1)
        let stream = fits + [0x0a] + fits + [0x61, 0x0a] + Array("{}\n".utf8)
        let pieces = [Int](repeating: 65_536, count: stream.count / 65_536 + 1)
        #expect(
            scan(stream, pieces: pieces, frameBytesMax: cap)
                == [.frame(fits), .overlong(UInt64(cap + 1)), .frame(Array("{}".utf8))])
    }

    @Test func aLineFarOverTheCapIsToldOnceWithItsSizeAndHoldsNothing() {
        var scanner = FrameScanner()
        let chunk = [UInt8](repeating: 0x7b, count: 1 << 20)
        var held = 0
        for _ in 0..<64 {
            let step = scanner.next(chunk.span.bytes)
            #expect(step == .incomplete(consumed: chunk.count))
            held += 1
        }
        #expect(scanner.isSkipping)
        let end = Array("}{\"tail\":1}\n{\"next\":1}\n".utf8)
        let step = scanner.next(end.span.bytes)
        #expect(step == .overlong(bytes: 64 << 20 | 12, consumed: 12))
        let rest = Array(end[12...])
        let next = scanner.next(rest.span.bytes)
        guard case .frame(let frame) = next else { Issue.record("no frame after it"); return }
        #expect(frame.bytes == 0..<10 && frame.consumed == 11)
    }

    @Test func anAbandonedFrameIsSkippedToItsNewline() {
        var scanner = FrameScanner()
        let half = Array("{\"half\":".utf8)
        #expect(scanner.next(half.span.bytes) == .incomplete(consumed: 0))
        #expect(scanner.abandonPartialFrame(heldBytes: half.count) == half.count)
        let rest = Array("1}\n{\"next\":1}\n".utf8)
        #expect(scanner.next(rest.span.bytes) == .overlong(bytes: 11, consumed: 3))
        #expect(scanner.abandonPartialFrame(heldBytes: 0) == 0)
    }

    @Test func aFrameCostsNoAllocation() {
        let line = Array("{\"type\":\"metrics\",\"value\":12345}\n".utf8)
        let stream = (0..<2000).flatMap { _ in line }
        var scanner = FrameScanner()
        var frames = 0
        let before = callocation_counter_of_this_thread()
        var position = 0
        let bytes = stream.span.bytes
        scanning: while true {
            let unread = bytes.extracting(droppingFirst: position)
            switch scanner.next(unread) {
            case .frame(let frame):
                frames += 1
                position += frame.consumed
            case .overlong(_, let consumed):
                position += consumed
            case .incomplete:
                break scanning
            }
        }
        let allocations = callocation_counter_of_this_thread() - before
        #expect(frames == 2000)
        #expect(allocations == 0)
        // The counter counts at all: an array of its own is one allocation or more.
        let again = callocation_counter_of_this_thread()
        let extra = [UInt8](repeating: 1, count: frames)
        #expect(extra.count == frames && callocation_counter_of_this_thread() > again)
    }
}
