import DequeModule

/// Bounded queues of messages, one a class.
public struct Outbox<Message> {
    /// How an append ended.
    public enum Outcome: Equatable, Sendable {
        case queued
        /// Queued, and this many of the oldest of its class gave way.
        case queuedAfterDropping(Int)
        /// No room, and nothing of its class may be given up.
        case refused
    }

    private struct Entry {
        var message: Message
        var bytes: Int
    }

    private var queues = [Deque<Entry>](repeating: [], count: MessageClass.allCases.count)
    private var bytes = [Int](repeating: 0, count: MessageClass.allCases.count)
    /// Metrics messages given up since the start: the running total that every metrics message
    /// carries.
    public private(set) var dropped: UInt64 = 0

    public init() {}

    public var isEmpty: Bool { queues.allSatisfy(\.isEmpty) }

    public func count(_ class: MessageClass) -> Int { queues[`class`.rawValue].count }
    public func bytes(_ class: MessageClass) -> Int { bytes[`class`.rawValue] }

    /// Queues a message behind those of its class.
    ///
    /// - Parameters:
    ///   - message: what waits.
    ///   - class: which queue it waits in.
    ///   - size: how many bytes it holds, roughly; at least 1.
    public mutating func append(
        _ message: Message, class: MessageClass, bytes size: Int
    ) -> Outcome {
        precondition(size > 0)
        let index = `class`.rawValue
        let limit = OutboxLimits.bytesMax(`class`)
        var gone = 0
        if `class` == .metrics {
            while bytes[index] + size > limit, let oldest = queues[index].popFirst() {
                bytes[index] -= oldest.bytes
                gone += 1
            }
            dropped += UInt64(gone)
        }
        guard bytes[index] + size <= limit || queues[index].isEmpty else { return .refused }
        queues[index].append(Entry(message: message, bytes: size))
        bytes[index] += size
        return gone == 0 ? .queued : .queuedAfterDropping(gone)
    }

    /// The message that leaves next: the oldest of the first class that has one.
    public var first: Message? {
        queues.first { !$0.isEmpty }?.first?.message
    }

    /// Takes out what ``first`` showed.
    public mutating func removeFirst() {
        guard let index = queues.firstIndex(where: { !$0.isEmpty }) else {
            preconditionFailure("the outbox is empty")
        }
        bytes[index] -= queues[index].removeFirst().bytes
    }

    /// The place of the first message of a class that may leave, and the message.
    public func first(
        of class: MessageClass, where mayLeave: (Message) -> Bool
    ) -> (place: Int, message: Message)? {
        let queue = queues[`class`.rawValue]
        guard let place = queue.firstIndex(where: { mayLeave($0.message) }) else { return nil }
        return (place, queue[place].message)
    }

    /// Takes out the message at a place that ``first(of:where:)`` gave.
    public mutating func remove(of class: MessageClass, at place: Int) {
        bytes[`class`.rawValue] -= queues[`class`.rawValue].remove(at: place).bytes
    }

    /// Throws away what is of no use to another host: control messages answer the one that has
    /// left.
    public mutating func removeAll(_ class: MessageClass) {
        queues[`class`.rawValue].removeAll()
        bytes[`class`.rawValue] = 0
    }
}
