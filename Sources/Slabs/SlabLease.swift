/// A piece of a ring that the kernel may use, and nobody else: `~Copyable`, so that whoever hands
/// it to an engine has it no more.
///
/// It must go back to the ring it came from, by `commit` or `complete`; dropping one is a
/// programming error that stops the process, for the ring would stay leased for ever.
@safe
public struct SlabLease: ~Copyable {
    /// SAFETY: points into the first mapping of the ring, which outlives the lease: the owner of a
    /// ring closes its streams, and so gets every lease back, before it lets the ring go.
    @unsafe public let address: UnsafeMutableRawPointer
    /// Bytes from ``address`` on, at least 1, never past the seam.
    public let count: Int
    /// Which registered buffer of the engine the bytes lie in, if the ring was introduced to one.
    public let bufferIndex: Int?

    init(address: UnsafeMutableRawPointer, count: Int, bufferIndex: Int?) {
        precondition(count > 0, "an empty lease would be taken for an end of file")
        unsafe self.address = unsafe address
        self.count = count
        self.bufferIndex = bufferIndex
    }

    deinit {
        // Always false, since a lease is never empty: who comes here forgot to give it back.
        precondition(count == 0, "a slab lease was dropped; give it back to its ring")
    }

    /// Ends the lease and says where it began.
    consuming func end() -> UnsafeMutableRawPointer {
        let start = unsafe address
        discard self
        return unsafe start
    }

    /// Ends a lease whose ring is going away with it: only for the teardown of an engine.
    public consuming func abandon() {
        discard self
    }
}

/// The memory that an engine registers for a ring: its first mapping.
@safe
public struct SlabRegion {
    @unsafe public let address: UnsafeMutableRawPointer
    public let count: Int
}

/// A ring whose memory an engine can register. The engine sets the index once.
public protocol RegistrableRing: ~Copyable {
    var region: SlabRegion { get }
    var bufferIndex: Int? { get set }
}
