import DequeModule

/// The numbers that a guest keeps until they are acknowledged: how many bytes each takes in the
/// send ring, and of which class it is. They are consecutive, as their bytes are in the ring.
struct KeptNumbers: Sendable {
    struct Entry: Sendable {
        var bytes: UInt32
        var messageClass: MessageClass
        /// Declared lost: it is not sent again, and takes up room until it can be let go of.
        var isGivenUp = false
    }

    /// What was let go of at the start.
    struct Released: Equatable, Sendable {
        var bytes = 0
        var messages = 0
    }

    private var entries = Deque<Entry>(minimumCapacity: SessionLimits.keptNumbersMax)
    private(set) var first: UInt64 = 1
    private(set) var bytes = 0
    /// Given up and not acknowledged, in order, apart from each other; may lie below ``first``.
    private(set) var gaps: [SessionRange] = []

    var next: UInt64 { first + UInt64(entries.count) }
    var count: Int { entries.count }
    var isFull: Bool {
        entries.count >= SessionLimits.keptNumbersMax
            || bytes > SessionLimits.keptBytesMax - SessionLimits.frameBytesMax
    }

    subscript(number: UInt64) -> Entry {
        precondition(first <= number && number < next, "a number that is not kept")
        return entries[Int(number - first)]
    }

    /// - Returns: the number.
    mutating func append(_ messageClass: MessageClass, bytes: Int) -> UInt64 {
        precondition(0 < bytes && bytes <= SessionLimits.frameBytesMax, "no frame has such a size")
        precondition(count < SessionLimits.keptNumbersMax, "more is kept than the limit allows")
        entries.append(Entry(bytes: UInt32(bytes), messageClass: messageClass))
        self.bytes += bytes
        assert(self.bytes <= SessionLimits.keptBytesMax + SessionLimits.renumberingBytesMax)
        return next - 1
    }

    mutating func removeFirst() -> Entry {
        let entry = entries.removeFirst()
        first += 1
        bytes -= Int(entry.bytes)
        return entry
    }

    /// Everything up to `number` is acknowledged: its gaps need not be told again.
    mutating func forgetGaps(through number: UInt64) {
        while let gap = gaps.first, gap.from <= number {
            if gap.to <= number {
                gaps.removeFirst()
            } else {
                gaps[0].from = number + 1
            }
        }
    }

    /// Lets go of what was given up, as far as nothing that is kept stands before it.
    mutating func releaseGivenUp() -> Released {
        var released = Released()
        while let entry = entries.first, entry.isGivenUp {
            released.bytes += Int(removeFirst().bytes)
            released.messages += 1
        }
        return released
    }

    /// Declares metrics lost, the oldest first, until `wanted` bytes are given up.
    ///
    /// - Parameter start: numbers below it are in flight, and cannot be taken back.
    /// - Returns: how many messages were given up; fewer than wanted when there are no more
    ///   metrics, or no more gaps may be told.
    mutating func giveUpMetrics(from start: UInt64, bytes wanted: Int) -> Int {
        var given = 0
        var messages = 0
        var number = max(first, start)
        while given < wanted, number < next {
            defer { number += 1 }
            let index = Int(number - first)
            guard entries[index].messageClass == .metrics, !entries[index].isGivenUp else {
                continue
            }
            guard addGap(number) else { break }
            entries[index].isGivenUp = true
            given += Int(entries[index].bytes)
            messages += 1
        }
        return messages
    }

    /// - Returns: whether it could be noted.
    private mutating func addGap(_ number: UInt64) -> Bool {
        let place = gaps.firstIndex { $0.to >= number } ?? gaps.count
        let touchesBefore = place > 0 && gaps[place - 1].to + 1 == number
        let touchesAfter = place < gaps.count && gaps[place].from == number + 1
        if touchesBefore {
            gaps[place - 1].to = touchesAfter ? gaps[place].to : number
            if touchesAfter { gaps.remove(at: place) }
        } else if touchesAfter {
            gaps[place].from = number
        } else {
            guard gaps.count < SessionLimits.gapsMax else { return false }
            gaps.insert(SessionRange(from: number, to: number), at: place)
        }
        return true
    }
}
