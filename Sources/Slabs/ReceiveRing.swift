/// The ring that a stream is read into: the kernel fills the free part, the consumer reads the
/// rest.
///
/// `consumed <= filled <= consumed + capacity`; both grow, until the ring begins again.
@safe
public struct ReceiveRing: ~Copyable, RegistrableRing {
    private let memory: MirroredMemory
    private var consumed: UInt64 = 0
    private var filled: UInt64 = 0
    private var isLeased = false
    public var bufferIndex: Int?
    /// Bytes of frames' beginnings that were moved to the ring's start, since it was made.
    public private(set) var movedBytes: UInt64 = 0

    /// - Parameters:
    ///   - slabCount: 1 to 1024 slabs of 64 KiB; 17 or more for frames of 1 MiB.
    ///   - isPopulated: whether all pages are there from the start, for a ring that lives as long
    ///     as its process.
    /// - Throws: ``SlabError`` when the kernel refuses the memory.
    public init(
        slabCount: Int = SlabLimits.receiveSlabsDefault, isPopulated: Bool = false
    ) throws(SlabError) {
        memory = try MirroredMemory(slabCount: slabCount, isPopulated: isPopulated)
    }

    deinit {
        precondition(!isLeased, "a ring went away while the kernel could write into it")
    }

    public var capacityBytes: Int { memory.capacityBytes }
    /// Bytes that came in and were not consumed yet.
    public var unreadBytes: Int { Int(filled - consumed) }
    public var freeBytes: Int { capacityBytes - unreadBytes }

    public var region: SlabRegion {
        unsafe SlabRegion(address: memory.base, count: memory.capacityBytes)
    }

    /// All that came in and was not consumed yet, contiguous wherever it begins.
    public var unread: RawSpan {
        @_lifetime(borrow self)
        get {
            let start = unsafe memory.base + memory.offset(of: consumed)
            // SAFETY: unreadBytes <= capacity, so the span ends inside the second mapping; the
            // kernel writes only to the free part, which the span does not touch.
            let bytes = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(start), byteCount: unreadBytes)
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// ``unread`` and whatever lies behind it up to the end of the second mapping: for parsers that
    /// look a few bytes past their input. What they see there is old data or what a read in flight
    /// writes, never unmapped memory.
    public var readable: RawSpan {
        @_lifetime(borrow self)
        get {
            let offset = memory.offset(of: consumed)
            // SAFETY: ends where the second mapping ends.
            let bytes = unsafe RawSpan(
                _unsafeStart: UnsafeRawPointer(memory.base + offset),
                byteCount: 2 * capacityBytes - offset)
            return unsafe _overrideLifetime(bytes, borrowing: self)
        }
    }

    /// The next free bytes for the kernel to fill: at most `bytesMax`, ending at the seam. `nil`
    /// when the ring is full, or a lease is out already.
    public mutating func leaseFree(bytesMax: Int) -> SlabLease? {
        precondition(bytesMax > 0)
        guard !isLeased, freeBytes > 0 else { return nil }
        beginAgain()
        let offset = memory.offset(of: filled)
        let count = min(bytesMax, freeBytes, capacityBytes - offset)
        isLeased = true
        return unsafe SlabLease(
            address: memory.base + offset, count: count, bufferIndex: bufferIndex)
    }

    /// Goes back to the ring's start when next to nothing is held: the kernel then fills memory
    /// that the processor's cache still has. Once in ``SlabLimits/roundBytesMin`` at most a piece
    /// of a frame is moved.
    private mutating func beginAgain() {
        let offset = memory.offset(of: filled)
        guard offset >= SlabLimits.roundBytesMin, unreadBytes <= SlabLimits.movedBytesMax else {
            return
        }
        let held = unreadBytes
        // SAFETY: the held bytes end at `offset` or behind the seam, and `held` is less than the
        // least offset there is: the two pieces do not overlap. No lease is out.
        unsafe memory.base.copyMemory(
            from: memory.base + memory.offset(of: consumed), byteCount: held)
        consumed = 0
        filled = UInt64(held)
        movedBytes += UInt64(held)
        assert(filled <= UInt64(SlabLimits.movedBytesMax))
    }

    /// Takes the lease back with `count` bytes in it, 0 when the read gave nothing.
    public mutating func commit(_ lease: consuming SlabLease, filled count: Int) {
        precondition(isLeased && count >= 0 && count <= lease.count, "more bytes than were leased")
        let start = unsafe lease.end()
        precondition(
            unsafe start == memory.base + memory.offset(of: filled), "a lease of another ring")
        filled += UInt64(count)
        isLeased = false
        assert(unreadBytes <= capacityBytes)
    }

    /// Lets go of the first `count` unread bytes.
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= unreadBytes, "more bytes than are there")
        consumed += UInt64(count)
    }
}
