import Glibc
import Kernel

/// Slabs that many streams share: each is lent for one read, and most come back in the same turn.
///
/// A connection that owned a ring of its own would hold memory while nothing comes. Here an idle
/// one holds nothing, and 10,000 of them get along with the slabs that are in use at one moment.
///
/// In front of each slab lie as many bytes again, its headroom, of which only those are ever
/// touched that a frame's beginning is copied to: so a frame that began in one slab and ends in the
/// next is contiguous. ``PooledInput`` does that, and borrows one of the pool's few rings for a
/// frame that is longer.
///
/// ```swift
/// let pool = try SlabPool()
/// engine.share(pool)
/// engine.receive(stream)
/// // ... each completion brings a slab:
/// case .read(let stream, let lease, .bytes(let count)) where count > 0:
///     let isFine = inputs[stream.place].take(lease, filled: count) { unread, _ in scan(unread) }
/// ```
///
/// A pool belongs to one thread, like the engine that it is shared with.
@safe
public final class SlabPool {
    public struct Counters: Equatable, Sendable {
        /// Bytes of frames' beginnings that were copied so that a frame is contiguous.
        public var copiedBytes: UInt64 = 0
        /// Rings lent for frames that are longer than a slab, and wishes for one that were refused.
        public var ringsLent: UInt64 = 0
        public var ringsRefused: UInt64 = 0
    }

    /// How far apart slabs are: the headroom, and the slab behind it.
    static let strideBytes = 2 * SlabLimits.slabBytes

    public let slabCount: Int
    /// SAFETY: `slabCount + 1` strides from `base`, mapped until deinit; the last is for leases
    /// that carry nothing, and what is readable behind the last slab.
    private let base: UnsafeMutableRawPointer
    private var free: [UInt32]
    private let ringsMax: Int
    private var ringsOut = 0
    /// Slabs that somebody above the engine holds now.
    public private(set) var heldCount = 0
    public internal(set) var counters = Counters()

    /// - Parameters:
    ///   - slabCount: 1 to 32,768, a power of two as the kernel wants it for its queue.
    ///   - ringsMax: frames over a slab's size under way at a time; each takes 2 MiB meanwhile.
    /// - Throws: ``SlabError`` when the kernel refuses the memory.
    public init(
        slabCount: Int = SlabLimits.pooledSlabsDefault,
        ringsMax: Int = SlabLimits.pooledRingsDefault
    ) throws(SlabError) {
        precondition(
            (1...32_768).contains(slabCount) && slabCount & (slabCount - 1) == 0,
            "a power of two of slabs, up to 32,768")
        self.slabCount = slabCount
        self.ringsMax = ringsMax
        let bytes = (slabCount + 1) * Self.strideBytes
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let start = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard unsafe start != MAP_FAILED, let start = unsafe start else {
            throw SlabError(.map, .current, bytes: bytes)
        }
        unsafe base = start
        free = (0..<UInt32(slabCount)).reversed()
    }

    deinit { unsafe munmap(base, (slabCount + 1) * Self.strideBytes) }

    // MARK: For engines

    /// Takes a free slab, to be offered to the kernel; `nil` when none is free.
    public func takeFree() -> Int? {
        free.popLast().map { Int($0) }
    }

    /// Puts back a slab that ``takeFree()`` gave and that carries nothing.
    public func putBack(_ slab: Int) {
        free.append(UInt32(slab))
        assert(free.count <= slabCount)
    }

    /// Where the slab's bytes begin, for the kernel to fill.
    @unsafe public func address(of slab: Int) -> UnsafeMutableRawPointer {
        precondition((0..<slabCount).contains(slab), "a slab of another pool")
        return unsafe base + slab * Self.strideBytes + SlabLimits.slabBytes
    }

    /// The slab as it is handed over, filled.
    public func lend(_ slab: Int) -> SlabLease {
        heldCount += 1
        return unsafe SlabLease(
            address: address(of: slab), count: SlabLimits.slabBytes, bufferIndex: nil)
    }

    /// A lease for an end or a failure: it carries nothing, and goes back as any other.
    public func lendNothing() -> SlabLease {
        unsafe SlabLease(
            address: base + slabCount * Self.strideBytes, count: 1, bufferIndex: nil)
    }

    // MARK: For consumers

    /// Gives a lease back whose bytes are not needed, or not any more.
    public func giveBack(_ lease: consuming SlabLease) {
        let slab = unsafe slab(of: lease.end())
        if slab < slabCount { release(slab) }
    }

    /// Whether so many slabs are held that none should be kept for long.
    public var isShort: Bool { heldCount * 4 > slabCount * 3 }

    func slab(of start: UnsafeMutableRawPointer) -> Int {
        let offset = unsafe start - base
        precondition(
            offset >= 0 && offset < (slabCount + 1) * Self.strideBytes, "a lease of another pool")
        return offset / Self.strideBytes
    }

    func release(_ slab: Int) {
        heldCount -= 1
        putBack(slab)
    }

    /// SAFETY: `start` lies in the pool; what may be read ends where the last stride does.
    func readableBytes(from start: UnsafeMutableRawPointer) -> Int {
        let end = unsafe base + (slabCount + 1) * Self.strideBytes
        return unsafe min(end - start, Self.strideBytes)
    }

    func borrowRing() throws(SlabError) -> ReceiveRing? {
        guard ringsOut < ringsMax else {
            counters.ringsRefused += 1
            return nil
        }
        let ring = try ReceiveRing(slabCount: SlabLimits.receiveSlabsDefault)
        ringsOut += 1
        counters.ringsLent += 1
        return ring
    }

    func ringCameBack() { ringsOut -= 1 }
}
