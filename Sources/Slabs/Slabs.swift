/// 64 KiB slabs in one piece of memory that continues at its start.
///
/// A ring of slabs is a memfd mapped twice, back to back: an offset past the end of the first
/// mapping is the start of the ring again. So what lies in the ring is always one contiguous span
/// for the CPU, wherever it begins, up to the ring's whole capacity: a frame of 1 MiB needs no copy
/// at the seam.
///
/// The kernel is given leases, which lie inside the first mapping and end at the seam. Only that
/// mapping is registered with io_uring: registering both would count twice against the locked
/// memory.
///
/// ```swift
/// var ring = try ReceiveRing(slabCount: 32)
/// let lease = ring.leaseFree(bytesMax: 65_536)!    // given away, it is gone here
/// engine.read(stream, into: lease)
/// // ... the completion brings the lease back:
/// ring.commit(lease, filled: count)
/// scan(ring.unread)                                // a RawSpan that borrows the ring
/// ring.consume(frameBytes)
/// ```
///
/// What does not compile: using a lease after the kernel got it, copying one, two writable spans at
/// a time, consuming or committing while a span of the ring is in use, a span that outlives its
/// ring. `Tests/SlabsTests/Negative` holds one file for each.
public enum SlabLimits {
    /// Bytes in a slab: a multiple of every page size that Linux uses on the machines at hand (4,
    /// 16 and 64 KiB), and the buffer size of the document.
    public static let slabBytes = 65_536

    /// Slabs in a receive ring by default, 1.5 MiB: one frame of the largest size, whole, while
    /// half as much is coming in.
    public static let receiveSlabsDefault = 24

    /// Slabs in a send ring by default, 2 MiB: the largest window, unacknowledged, and one frame of
    /// the largest size beside it. Two agents of one user with both rings register 116 of the 127
    /// slabs that fit in 8 MiB of locked memory, and so does an agent beside one that was just
    /// killed.
    public static let sendSlabsDefault = 32

    /// Slabs for control messages, which leave before all others: handshakes, errors, keep-alives.
    public static let controlSlabsDefault = 2

    /// Slabs that many streams share by default: as many reads as may be under way at one moment.
    /// With their headroom they take 32 MiB of addresses, and of memory what was ever filled.
    public static let pooledSlabsDefault = 256

    /// Rings that a pool lends at a time, for frames longer than a slab; 2 MiB each.
    public static let pooledRingsDefault = 8

    /// Slabs of the ring for frames of an earlier life: one of 1 MiB fits, behind a little more.
    public static let earlierSlabs = 18

    /// The most slabs in one ring, 64 MiB; a larger one is a mistake in the caller's arithmetic.
    public static let slabsMax = 1024

    /// Bytes of a receive ring that are filled before it begins again at its start: as many as stay
    /// in a processor's second cache beside all else.
    static let roundBytesMin = 262_144
    /// The most bytes that it holds then, the beginning of a frame, and that are moved there.
    static let movedBytesMax = 4096
}
