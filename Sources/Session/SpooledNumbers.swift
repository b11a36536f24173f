import DequeModule

/// What a spool on disk has of an earlier epoch: the numbers that a guest which has ended gave, and
/// that nobody is known to have acknowledged.
///
/// ```swift
/// var spooled = SpooledNumbers(epoch)
/// spooled.append(17, bytes: 812)
/// spooled.append(20, bytes: 640)      // 18 and 19 are declared lost at their place
/// ```
public struct SpooledNumbers: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var from: UInt64
        var to: UInt64
        /// 0 for numbers that were given up.
        var bytes: Int
    }

    public let epoch: SessionEpoch
    var entries: Deque<Entry> = []
    /// How many of them have left in this session, and their bytes.
    var left = 0
    private(set) var inFlightBytes = 0

    public init(_ epoch: SessionEpoch) {
        self.epoch = epoch
    }

    public var isEmpty: Bool { entries.isEmpty }
    /// The lowest number still kept, or given up and not acknowledged.
    public var first: UInt64 { entries.first?.from ?? 1 }
    /// The number behind the last one.
    public var next: UInt64 { entries.last.map { $0.to + 1 } ?? 1 }
    var hasToLeave: Bool { left < entries.count }

    /// A frame with its newline. Numbers that are missing before it count as given up.
    ///
    /// - Precondition: `number` is above all before.
    public mutating func append(_ number: UInt64, bytes: Int) {
        precondition(0 < bytes && bytes <= SessionLimits.frameBytesMax)
        precondition(number >= 1 && number <= SessionLimits.numberMax)
        if let last = entries.last, last.to + 1 < number {
            giveUp(SessionRange(from: last.to + 1, to: number - 1))
        }
        precondition(number > (entries.last?.to ?? 0), "numbers go up")
        entries.append(Entry(from: number, to: number, bytes: bytes))
    }

    /// Numbers that were given up: the host is told so at their place.
    public mutating func giveUp(_ range: SessionRange) {
        if let last = entries.last {
            precondition(range.from == last.to + 1, "ranges follow what is there")
            if last.bytes == 0 {
                entries[entries.count - 1].to = range.to
                return
            }
        }
        entries.append(Entry(from: range.from, to: range.to, bytes: 0))
    }

    mutating func leaveNext() -> Entry {
        defer { left += 1 }
        inFlightBytes += entries[left].bytes
        return entries[left]
    }

    mutating func rewind() {
        left = 0
        inFlightBytes = 0
    }

    /// - Returns: how many messages are acknowledged by that.
    mutating func release(through number: UInt64) -> Int {
        var messages = 0
        while let entry = entries.first, entry.from <= number {
            if entry.to > number {
                entries[0].from = number + 1
                break
            }
            entries.removeFirst()
            if left > 0 {
                left -= 1
                inFlightBytes -= entry.bytes
            }
            if entry.bytes > 0 { messages += 1 }
        }
        return messages
    }
}
