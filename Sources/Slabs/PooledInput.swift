/// The bytes of one stream that come in slabs of a ``SlabPool``, as if they came in one piece.
///
/// What the consumer leaves of a slab, the beginning of a frame, is kept and copied once in front
/// of what comes next. Only a frame longer than a slab moves to a ring of the pool's.
@safe
public final class PooledInput {
    private enum Held {
        case nothing
        /// In the slab that it came in: `count` bytes that end where the slab's filled part does.
        case inSlab(Int, offset: Int, count: Int)
        /// In memory of its own, because the pool was short of slabs.
        case apart([UInt8])
        case inRing
    }

    private let pool: SlabPool
    private var held = Held.nothing
    private var ring: ReceiveRing?

    public init(_ pool: SlabPool) {
        self.pool = pool
    }

    /// What is here of a frame that has not ended.
    public var heldBytes: Int {
        switch held {
        case .nothing: 0
        case .inSlab(_, _, let count): count
        case .apart(let bytes): bytes.count
        case .inRing: ring?.unreadBytes ?? 0
        }
    }

    /// Takes the next `count` bytes of the stream, and shows all that is unread to `body`, which
    /// says how many bytes of it are done with.
    ///
    /// - Parameters:
    ///   - lease: of the slab that the bytes were read into; it is released when it is done with.
    ///   - count: bytes that were read, from 1 to the lease's own count.
    ///   - body: is given the unread bytes, and the same with what may be read behind them.
    /// - Returns: `false` when a long frame found no ring: the stream cannot go on.
    public func take(
        _ lease: consuming SlabLease, filled count: Int, _ body: (RawSpan, RawSpan) -> Int
    ) -> Bool {
        precondition(count > 0 && count <= lease.count, "more bytes than were leased")
        let start = unsafe lease.end()
        let slab = unsafe pool.slab(of: start)
        if case .inRing = held { return unsafe intoRing(start, count, slab, body) }
        let before = heldBytes
        guard before <= SlabLimits.slabBytes else {
            return moveToRing() ? unsafe intoRing(start, count, slab, body) : refuse(slab)
        }
        let first = unsafe start - before
        unsafe bringHeld(to: first)
        // SAFETY: `before` bytes were copied in front of the slab's own, into its headroom; the
        // slab is ours until it is released.
        let total = before + count
        let unread = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(first), byteCount: total)
        let readable = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(first), byteCount: pool.readableBytes(from: first))
        let consumed = body(unread, readable)
        precondition(consumed >= 0 && consumed <= total, "more bytes than are there")
        unsafe keep(first + consumed, total - consumed, slab)
        return true
    }

    /// Lets go of what is held: the stream has ended, or the frame is given up.
    public func reset() {
        if case .inSlab(let slab, _, _) = held { pool.release(slab) }
        if case .inRing = held { dropRing() }
        held = .nothing
    }

    /// Copies what is held to `destination`; the slab that it was in goes back.
    private func bringHeld(to destination: UnsafeMutableRawPointer) {
        switch held {
        case .nothing, .inRing: return
        case .inSlab(let slab, let offset, let count):
            // SAFETY: as many bytes as were kept; the two slabs are different ones.
            unsafe destination.copyMemory(
                from: address(slab, offset), byteCount: count)
            pool.counters.copiedBytes += UInt64(count)
            pool.release(slab)
        case .apart(let bytes):
            unsafe bytes.withUnsafeBytes { source in
                guard let first = source.baseAddress else { return }
                unsafe destination.copyMemory(from: first, byteCount: source.count)
            }
            pool.counters.copiedBytes += UInt64(bytes.count)
        }
        held = .nothing
    }

    private func keep(_ start: UnsafeMutableRawPointer, _ count: Int, _ slab: Int) {
        guard count > 0 else {
            held = .nothing
            return pool.release(slab)
        }
        guard pool.isShort else {
            let offset = unsafe start - pool.address(of: slab)
            held = .inSlab(slab, offset: offset, count: count)
            return
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(start), count: count)
        held = unsafe .apart([UInt8](bytes))
        pool.counters.copiedBytes += UInt64(count)
        pool.release(slab)
    }

    private func address(_ slab: Int, _ offset: Int) -> UnsafeMutableRawPointer {
        unsafe pool.address(of: slab) + offset
    }

    // MARK: Long frames

    private func moveToRing() -> Bool {
        guard let borrowed = try? pool.borrowRing() else { return false }
        ring = consume borrowed
        switch held {
        case .inSlab(let slab, let offset, let count):
            unsafe append(address(slab, offset), count)
            pool.release(slab)
        case .apart(let bytes):
            unsafe bytes.withUnsafeBytes { source in
                guard let first = source.baseAddress else { return }
                unsafe append(UnsafeMutableRawPointer(mutating: first), source.count)
            }
        case .nothing, .inRing: break
        }
        held = .inRing
        return true
    }

    private func refuse(_ slab: Int) -> Bool {
        pool.release(slab)
        return false
    }

    private func append(_ start: UnsafeMutableRawPointer, _ count: Int) {
        var done = 0
        while done < count {
            guard let lease = ring?.leaseFree(bytesMax: count - done) else {
                preconditionFailure("a frame that fills its ring")
            }
            // SAFETY: lease.count <= count - done bytes, into the ring's free part.
            unsafe lease.address.copyMemory(from: start + done, byteCount: lease.count)
            let some = lease.count
            ring?.commit(lease, filled: some)
            done += some
        }
        pool.counters.copiedBytes += UInt64(count)
    }

    private func intoRing(
        _ start: UnsafeMutableRawPointer, _ count: Int, _ slab: Int,
        _ body: (RawSpan, RawSpan) -> Int
    ) -> Bool {
        // A consumer takes frames of at most 1 MiB, or says that they are done with.
        guard let room = ring?.freeBytes, room >= count else { return refuse(slab) }
        unsafe append(start, count)
        pool.release(slab)
        guard let consumed = ring?.show(body) else { return false }
        ring?.consume(consumed)
        if consumed > 0, ring?.unreadBytes ?? 0 <= SlabLimits.slabBytes { leaveRing() }
        return true
    }

    /// The long frame is done with: what follows it is short again, or nothing.
    private func leaveRing() {
        var rest: [UInt8] = []
        if let count = ring?.unreadBytes, count > 0 {
            ring?.copyUnread(to: &rest)
            ring?.consume(count)
            pool.counters.copiedBytes += UInt64(count)
        }
        dropRing()
        held = rest.isEmpty ? .nothing : .apart(rest)
    }

    private func dropRing() {
        ring = nil
        pool.ringCameBack()
    }
}

extension ReceiveRing {
    fileprivate borrowing func show(_ body: (RawSpan, RawSpan) -> Int) -> Int {
        body(unread, readable)
    }

    fileprivate borrowing func copyUnread(to bytes: inout [UInt8]) {
        unsafe unread.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
}
