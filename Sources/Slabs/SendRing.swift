/// The ring that messages are encoded into, and that the kernel sends from.
///
/// Three positions only ever grow: `released <= sent <= written <= released + capacity`. What lies
/// between `released` and `sent` has left and is kept until the other side says that it arrived; a
/// host that does not say so has it released as soon as it is sent.
@safe
public struct SendRing: ~Copyable, RegistrableRing {
    private let memory: MirroredMemory
    private var released: UInt64 = 0
    private var sent: UInt64 = 0
    private var written: UInt64 = 0
    private var isLeased = false
    /// The last byte that left or was passed over, `nil` before the first: a frame's end or its
    /// middle.
    public private(set) var lastByteSent: UInt8?
    public var bufferIndex: Int?

    /// - Parameters:
    ///   - slabCount: 1 to 1024 slabs of 64 KiB; 17 or more for frames of 1 MiB.
    ///   - isPopulated: whether all pages are there from the start, for a ring that lives as long
    ///     as its process.
    /// - Throws: ``SlabError`` when the kernel refuses the memory.
    public init(
        slabCount: Int = SlabLimits.sendSlabsDefault, isPopulated: Bool = false
    ) throws(SlabError) {
        memory = try MirroredMemory(slabCount: slabCount, isPopulated: isPopulated)
    }

    deinit {
        precondition(!isLeased, "a ring went away while the kernel could read from it")
    }

    public var capacityBytes: Int { memory.capacityBytes }
    /// Bytes written and not sent yet.
    public var unsentBytes: Int { Int(written - sent) }
    /// Bytes sent and kept.
    public var keptBytes: Int { Int(sent - released) }
    public var freeBytes: Int { capacityBytes - Int(written - released) }
    /// Where the next byte written will stand in all that this ring ever held.
    public var position: UInt64 { written }
    /// The same for the next byte to be sent.
    public var sentPosition: UInt64 { sent }
    public var isInFlight: Bool { isLeased }

    public var region: SlabRegion {
        unsafe SlabRegion(address: memory.base, count: memory.capacityBytes)
    }

    /// All free bytes, contiguous, to encode into; ``append(_:)`` then says how many count.
    @_lifetime(&self)
    public mutating func free() -> MutableRawSpan {
        let start = unsafe memory.base + memory.offset(of: written)
        // SAFETY: freeBytes <= capacity, so the span ends inside the second mapping; the kernel
        // reads only what was written, which the span does not touch.
        let bytes = unsafe MutableRawSpan(_unsafeStart: start, byteCount: freeBytes)
        return unsafe _overrideLifetime(bytes, mutating: &self)
    }

    /// The first `count` free bytes now hold data to be sent.
    public mutating func append(_ count: Int) {
        precondition(count >= 0 && count <= freeBytes, "more bytes than were free")
        written += UInt64(count)
    }

    /// What was written and not sent yet, contiguous wherever it begins.
    public var unsent: RawSpan {
        @_lifetime(borrow self)
        get {
            let start = unsafe memory.base + memory.offset(of: sent)
            // SAFETY: unsentBytes <= capacity; nothing writes to these bytes until they are
            // released.
            let bytes = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(start), byteCount: unsentBytes)
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// The next unsent bytes for the kernel to send: at most `bytesMax`, ending at the seam. `nil`
    /// when there are none, or a lease is out already.
    public mutating func leaseUnsent(bytesMax: Int) -> SlabLease? {
        precondition(bytesMax > 0)
        guard !isLeased, unsentBytes > 0 else { return nil }
        let offset = memory.offset(of: sent)
        let count = min(bytesMax, unsentBytes, capacityBytes - offset)
        isLeased = true
        return unsafe SlabLease(
            address: memory.base + offset, count: count, bufferIndex: bufferIndex)
    }

    /// Takes the lease back after the kernel took `count` bytes of it. They stay kept.
    public mutating func complete(_ lease: consuming SlabLease, sent count: Int) {
        precondition(isLeased && count >= 0 && count <= lease.count, "more bytes than were leased")
        let start = unsafe lease.end()
        precondition(
            unsafe start == memory.base + memory.offset(of: sent), "a lease of another ring")
        isLeased = false
        advance(count)
    }

    /// Lets go of everything that was sent.
    public mutating func releaseSent() {
        released = sent
    }

    /// Takes both positions to where they belong: forward when what was sent arrived or is passed
    /// over, `sent` also back, when what is kept has to be sent again.
    ///
    /// - Parameters:
    ///   - releasedPosition: not before the last one, for those bytes may be written over.
    ///   - sentPosition: not before `releasedPosition`. It stays while the kernel is sending.
    public mutating func move(released releasedPosition: UInt64, sent sentPosition: UInt64) {
        precondition(released <= releasedPosition, "bytes that were let go of are not there")
        precondition(releasedPosition <= sentPosition && sentPosition <= written)
        precondition(!isLeased || sentPosition == sent, "the kernel is sending these bytes")
        released = releasedPosition
        sent = sentPosition
    }

    /// Everything that is held, sent or not, contiguous: to be copied when it has to be written
    /// anew.
    public var held: RawSpan {
        @_lifetime(borrow self)
        get {
            let start = unsafe memory.base + memory.offset(of: released)
            // SAFETY: what is held is at most the capacity, and nothing writes to it before it is
            // released.
            let bytes = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(start), byteCount: Int(written - released))
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// Where the first byte that is held stands.
    public var releasedPosition: UInt64 { released }

    /// Passes over the first `count` unsent bytes, as if they had been sent: the rest of a frame
    /// whose first part went to a host that has left.
    public mutating func skip(_ count: Int) {
        precondition(!isLeased, "the kernel is sending these bytes")
        precondition(count >= 0 && count <= unsentBytes, "more bytes than are there")
        advance(count)
    }

    private mutating func advance(_ count: Int) {
        guard count > 0 else { return }
        // SAFETY: a byte of the first mapping, which was written and is not released yet.
        lastByteSent = unsafe memory.base.load(
            fromByteOffset: memory.offset(of: sent + UInt64(count) - 1), as: UInt8.self)
        sent += UInt64(count)
    }
}
