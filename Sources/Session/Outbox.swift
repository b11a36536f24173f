public import DequeModule

/// Bounded queues of messages, one a class.
///
/// What an owner asks at each turn is inlinable: compiled for its kind of message, and without a
/// copy of one.
public struct Outbox<Message> {
    /// How an append ended.
    public enum Outcome: Equatable, Sendable {
        case queued
        /// Queued, and this many of the oldest of its class gave way.
        case queuedAfterDropping(Int)
        /// No room, and nothing of its class may be given up.
        case refused
    }

    @usableFromInline
    struct Entry {
        @usableFromInline var message: Message
        var bytes: Int
    }

    @usableFromInline
    var queues = [Deque<Entry>](repeating: [], count: MessageClass.allCases.count)
    @usableFromInline
    var bytes = [Int](repeating: 0, count: MessageClass.allCases.count)
    /// Messages that wait, of all classes.
    public internal(set) var count = 0
    /// Metrics messages given up since the start: the running total that every metrics message
    /// carries.
    public private(set) var dropped: UInt64 = 0

    public init() {}

    @inlinable public var isEmpty: Bool { count == 0 }

    @inlinable
    public func count(_ class: MessageClass) -> Int { queues[`class`.rawValue].count }
    @inlinable
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
        count += 1 - gone
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
        count -= 1
    }

    /// The place of the first message of a class that may leave, and the message.
    @inlinable
    public func first(
        of class: MessageClass, where mayLeave: (Message) -> Bool
    ) -> (place: Int, message: Message)? {
        let index = `class`.rawValue
        for place in 0..<queues[index].count where mayLeave(queues[index][place].message) {
            return (place, queues[index][place].message)
        }
        return nil
    }

    /// Takes out the message at a place that ``first(of:where:)`` gave.
    public mutating func remove(of class: MessageClass, at place: Int) {
        bytes[`class`.rawValue] -= queues[`class`.rawValue].remove(at: place).bytes
        count -= 1
    }

    /// Throws away what is of no use to another host: control messages answer the one that has
    /// left.
    public mutating func removeAll(_ class: MessageClass) {
        count -= queues[`class`.rawValue].count
        queues[`class`.rawValue].removeAll()
        bytes[`class`.rawValue] = 0
    }
}
