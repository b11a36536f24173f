public import Kernel
public import Slabs

/// A descriptor that an engine owns, by its place and by how often the place was used before: a
/// stale one is told apart from its successor.
public struct Stream: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32

    /// A small number, unique among the streams open now: an index for tables beside the engine's.
    public var place: Int { Int(index) }
}

/// What a descriptor is, as far as an engine treats it differently.
public enum StreamKind: Sendable {
    /// A stream socket or a pipe: a short read means that nothing more is there.
    case socket
    /// Anything that may give a short read with more behind it, such as a virtio port.
    case device
}

/// How a read or a write ended.
public enum Transfer: Equatable, Sendable {
    /// Bytes that moved. For a read, 0 is the end of a socket, and of a virtio port "no host".
    case bytes(Int)
    /// Nothing moved. ECANCELED after ``IOEngine/close(_:)``.
    case failed(Errno)
}

/// What poll(2) said when a descriptor's state changed. Source: poll(2).
public struct Edges: OptionSet, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let input = Edges(rawValue: 0x001)
    public static let output = Edges(rawValue: 0x004)
    public static let error = Edges(rawValue: 0x008)
    public static let hangUp = Edges(rawValue: 0x010)
    public static let peerClosedWriting = Edges(rawValue: 0x2000)
}

/// Names one timer of an engine: from 0 on, chosen by the engine's user.
public struct TimerKey: Hashable, Sendable {
    public let number: UInt32

    public init(_ number: UInt32) {
        self.number = number
    }
}

/// Something that happened, delivered once, in a turn.
public enum Completion: ~Copyable {
    case read(Stream, SlabLease, Transfer)
    case written(Stream, SlabLease, Transfer)
    case edge(Stream, Edges)
    /// The stream's descriptor is closed and all its leases came back before.
    case closed(Stream)
    case timer(TimerKey)
    /// Another thread called ``Waker/wake()``, once or more since the last time.
    case woken
}

extension Completion {
    /// The stream that it is about, `nil` for timers and wakes.
    public var stream: Stream? {
        switch self {
        case .read(let stream, _, _): stream
        case .written(let stream, _, _): stream
        case .edge(let stream, _): stream
        case .closed(let stream): stream
        default: nil
        }
    }

    public var timerKey: TimerKey? {
        switch self {
        case .timer(let key): key
        default: nil
        }
    }
}
