/// Where the kept frames stand in the send ring: positions only, no bytes.
///
/// ``GuestSession`` speaks of numbers and byte counts, a ring of positions. This is the map from
/// one to the other, for whoever wires them: what is kept is contiguous in the order of numbers,
/// so that each release is so many bytes at the start, and each departure so many at the end of
/// what has been allowed to leave.
///
/// `released <= sent <= granted <= written`, and all of them only grow, except that ``rewind()``
/// takes `sent` and `granted` back. `target` is where `released` goes as soon as it can: an
/// acknowledgement may come for a frame that is on its way a second time, and a frame once begun is
/// finished.
public struct RingCursor: Equatable, Sendable {
    /// The first byte kept.
    public private(set) var released: UInt64 = 0
    /// The next byte to leave.
    public private(set) var sent: UInt64 = 0
    /// The end of the frames that may leave.
    public private(set) var granted: UInt64 = 0
    /// The end of what is acknowledged.
    public private(set) var target: UInt64 = 0
    /// The next byte to be written.
    public private(set) var written: UInt64 = 0

    public init() {}

    public var keptBytes: Int { Int(written - released) }
    /// Bytes that may be written to the port now, from ``sent`` on.
    public var leavingBytes: Int { Int(granted - sent) }
    /// Whether another frame may be granted. Not while acknowledged frames have to be passed over
    /// first, for a frame before them is still leaving.
    public var mayGrant: Bool { target <= granted }
    /// Whether a control message sent now stands exactly before the next frame: needed for
    /// `skipped`, whose place in the stream counts.
    public var isAtFrameStart: Bool { sent == granted }

    /// A numbered frame entered the ring.
    public mutating func append(_ bytes: Int) {
        precondition(bytes > 0)
        written += UInt64(bytes)
    }

    /// The next frame may leave.
    public mutating func grant(_ bytes: Int) {
        precondition(mayGrant && granted + UInt64(bytes) <= written, "no such frame")
        granted += UInt64(bytes)
    }

    /// The port took `bytes`.
    public mutating func send(_ bytes: Int) {
        precondition(0 <= bytes && bytes <= leavingBytes, "more bytes than were granted")
        sent += UInt64(bytes)
        settle()
    }

    /// The next frames are skipped instead of sent.
    public mutating func pass(_ bytes: Int) {
        precondition(isAtFrameStart && mayGrant && granted + UInt64(bytes) <= written)
        granted += UInt64(bytes)
        sent = granted
        settle()
    }

    /// The first `bytes` that are not acknowledged yet now are, or are given up.
    public mutating func release(_ bytes: Int) {
        precondition(bytes >= 0 && target + UInt64(bytes) <= written, "more bytes than are kept")
        target += UInt64(bytes)
        settle()
    }

    /// A new session: everything kept is unsent again. No write may be in flight.
    public mutating func rewind() {
        released = target
        sent = target
        granted = target
    }

    private mutating func settle() {
        if sent == granted, target > granted {
            sent = target
            granted = target
        }
        released = min(sent, target)
    }
}
