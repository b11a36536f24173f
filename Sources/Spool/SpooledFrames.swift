public import Session

/// What is left of an earlier epoch: its frames, byte for byte as they were written.
public struct SpooledFrames: Sendable {
    struct Frame: Sendable {
        var number: UInt64
        var messageClass: MessageClass
        var bytes: Range<Int>
    }

    public let epoch: SessionEpoch
    let ordinal: UInt64
    /// The files it stands in.
    var files: [String]
    var nextIndex: UInt64
    private(set) var frames: [Frame] = []
    /// All numbers, the given-up ones too.
    public private(set) var numbers: SpooledNumbers
    private var bytes: [UInt8] = []

    init(_ epoch: SessionEpoch, ordinal: UInt64 = 0) {
        self.epoch = epoch
        self.ordinal = ordinal
        files = []
        nextIndex = 0
        numbers = SpooledNumbers(epoch)
    }

    var byteCount: Int { bytes.count }

    /// The frame of that number, with its newline.
    ///
    /// - Precondition: ``numbers`` has it.
    public subscript(number: UInt64) -> ArraySlice<UInt8> {
        var low = 0
        var high = frames.count
        while low < high {
            let middle = (low + high) / 2
            if frames[middle].number < number { low = middle + 1 } else { high = middle }
        }
        precondition(low < frames.count && frames[low].number == number, "no such frame")
        return bytes[frames[low].bytes]
    }

    /// Each frame, in order.
    public func forEachFrame(_ body: (UInt64, MessageClass, ArraySlice<UInt8>) -> Void) {
        for frame in frames { body(frame.number, frame.messageClass, bytes[frame.bytes]) }
    }

    /// Takes what a file has beyond what is here. A file that was begun anew repeats numbers.
    mutating func take(_ contents: SpoolFormat.Contents, _ file: [UInt8]) {
        for record in contents.records where record.to >= numbers.next {
            guard let messageClass = record.messageClass else {
                giveUp(from: record.number, to: record.to)
                continue
            }
            append(record.number, messageClass, file[record.frame])
        }
    }

    private mutating func append(
        _ number: UInt64, _ messageClass: MessageClass, _ frame: ArraySlice<UInt8>
    ) {
        let start = bytes.count
        bytes += frame
        frames.append(
            Frame(number: number, messageClass: messageClass, bytes: start..<bytes.count))
        numbers.append(number, bytes: frame.count)
    }

    private mutating func giveUp(from: UInt64, to: UInt64) {
        numbers.giveUp(SessionRange(from: numbers.isEmpty ? from : numbers.next, to: to))
    }

    /// Gives up the oldest metrics, until `bytes` are free. Results and events never are.
    ///
    /// - Returns: how many messages that were.
    mutating func giveUpMetrics(bytes wanted: Int) -> Int {
        var rest = SpooledFrames(epoch, ordinal: ordinal)
        rest.files = files
        rest.nextIndex = nextIndex
        var freed = 0
        var messages = 0
        let first = numbers.first
        for frame in frames {
            if freed < wanted, frame.messageClass == .metrics {
                freed += frame.bytes.count
                messages += 1
                continue
            }
            if rest.numbers.isEmpty, first < frame.number {
                rest.giveUp(from: first, to: frame.number - 1)
            }
            rest.append(frame.number, frame.messageClass, bytes[frame.bytes])
        }
        if rest.numbers.next < numbers.next || rest.numbers.isEmpty {
            rest.giveUp(
                from: rest.numbers.isEmpty ? first : rest.numbers.next, to: numbers.next - 1)
        }
        guard messages > 0 else { return 0 }
        self = rest
        return messages
    }

    /// All of it in one file.
    func encode(_ owner: SpoolOwner) -> [UInt8] {
        var file = SpoolFormat.encode(
            SpoolFormat.Header(
                owner: owner, epoch: epoch, ordinal: ordinal, index: nextIndex, begins: true))
        let seed = SpoolFormat.seed(of: RawSpan(_elements: file.span))
        var next = numbers.first
        for frame in frames {
            if next < frame.number {
                let range = SessionRange(from: next, to: frame.number - 1)
                SpoolFormat.append(givenUp: range, seed: seed, to: &file)
            }
            SpoolFormat.append(
                Array(bytes[frame.bytes]), number: frame.number, frame.messageClass, seed: seed,
                to: &file)
            next = frame.number + 1
        }
        if next < numbers.next {
            let range = SessionRange(from: next, to: numbers.next - 1)
            SpoolFormat.append(givenUp: range, seed: seed, to: &file)
        }
        return file
    }
}
