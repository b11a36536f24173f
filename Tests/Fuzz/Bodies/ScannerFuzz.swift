import Framing

/// The scanner against one that splits the whole text at once: whatever pieces it is shown, it
/// finds the same lines, and never consumes more than it was shown.
enum ScannerFuzz {
    enum Found: Equatable {
        case frame([UInt8])
        case overlong(UInt64)
    }

    static func run(_ input: [UInt8]) {
        var events = EventBytes(input)
        let cap = 2 + events.choice(40)
        let stride = 1 + events.choice(50)
        let mayAbandon = events.choice(4) == 0
        let text = Array(events.rest)
        if mayAbandon {
            _ = scan(text, cap: cap, stride: stride, abandonEvery: 3)
        } else {
            let found = scan(text, cap: cap, stride: stride, abandonEvery: nil)
            promise(found == split(text, cap: cap), "other lines with cap \(cap), \(stride) a time")
        }
    }

    private static func scan(
        _ text: [UInt8], cap: Int, stride: Int, abandonEvery: Int?
    ) -> [Found] {
        var scanner = FrameScanner(frameBytesMax: cap)
        var found: [Found] = []
        var unread: [UInt8] = []
        var at = 0
        var round = 0
        while at < text.count {
            let end = min(text.count, at + stride)
            unread += text[at..<end]
            at = end
            round += 1
            drain(&scanner, &unread, into: &found)
            promise(unread.count < cap, "holds \(unread.count) bytes of a frame of \(cap)")
            if let abandonEvery, round % abandonEvery == 0 {
                let done = scanner.abandonPartialFrame(heldBytes: unread.count)
                promise(done == 0 || done == unread.count, "gave up a part")
                unread.removeFirst(done)
            }
        }
        return found
    }

    private static func drain(
        _ scanner: inout FrameScanner, _ unread: inout [UInt8], into found: inout [Found]
    ) {
        while true {
            let step = scanner.next(unread.span.bytes)
            let consumed: Int
            switch step {
            case .frame(let frame):
                promise(!frame.bytes.isEmpty && frame.bytes.upperBound <= frame.consumed, "range")
                found.append(.frame(Array(unread[frame.bytes])))
                consumed = frame.consumed
            case .overlong(let bytes, let done):
                found.append(.overlong(bytes))
                consumed = done
            case .incomplete(let done):
                promise(done <= unread.count, "consumed more than it was shown")
                unread.removeFirst(done)
                return
            }
            promise(0 < consumed && consumed <= unread.count, "consumed \(consumed)")
            unread.removeFirst(consumed)
        }
    }

    /// Lines with their newline of at most `cap` bytes, without a carriage return; empty ones not.
    private static func split(_ text: [UInt8], cap: Int) -> [Found] {
        var found: [Found] = []
        var start = 0
        for (place, byte) in text.enumerated() where byte == 0x0A {
            defer { start = place + 1 }
            guard place + 1 - start <= cap else {
                found.append(.overlong(UInt64(place + 1 - start)))
                continue
            }
            var line = text[start..<place]
            if line.last == 0x0D { line.removeLast() }
            if !line.isEmpty { found.append(.frame(Array(line))) }
        }
        return found
    }
}
