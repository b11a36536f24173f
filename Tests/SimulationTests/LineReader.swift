import Framing

/// Lines out of pieces, by the real scanner.
struct LineReader {
    private var scanner = FrameScanner()
    private var bytes: [UInt8] = []

    mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        scanner.reset()
    }

    mutating func take(_ piece: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) -> Void) {
        bytes.append(contentsOf: piece)
        var scanner = scanner
        defer { self.scanner = scanner }
        var position = 0
        while true {
            switch scanner.next(bytes.span.bytes.extracting(droppingFirst: position)) {
            case .frame(let frame):
                let start = position + frame.bytes.lowerBound
                body(bytes[start..<(start + frame.bytes.count)])
                position += frame.consumed
                continue
            case .overlong(_, let consumed):
                position += consumed
                continue
            case .incomplete(let consumed): position += consumed
            }
            break
        }
        if position > 0 { bytes.removeFirst(position) }
    }
}
