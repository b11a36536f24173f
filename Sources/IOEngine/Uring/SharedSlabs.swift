import CLiburing
import Glibc
import Kernel
import Slabs

/// A pool's slabs as the kernel takes them: a queue in shared memory that free ones are put into.
///
/// Source: io_uring_register(2), IORING_REGISTER_PBUF_RING; Linux 5.19.
@safe
final class SharedSlabs {
    let pool: SlabPool
    /// SAFETY: one page-aligned queue of `entries`, mapped until deinit, which comes after the ring
    /// that it is registered with has gone.
    private let queue: UnsafeMutableRawPointer
    private let entries: Int
    private var tail: UInt32 = 0
    /// recv with IORING_RECV_MULTISHOT, Linux 6.0; found out by the first one.
    var isMultishot = true

    private var byteCount: Int { entries * MemoryLayout<io_uring_buf>.stride }

    init(_ pool: SlabPool, _ ring: UnsafeMutablePointer<io_uring>) throws(EngineError) {
        self.pool = pool
        entries = pool.slabCount
        let bytes = entries * MemoryLayout<io_uring_buf>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS
        let start = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard unsafe start != MAP_FAILED, let start = unsafe start else {
            throw EngineError(.pool, .current)
        }
        unsafe queue = start
        var registration = io_uring_buf_reg()
        registration.ring_addr = UInt64(UInt(bitPattern: start))
        registration.ring_entries = UInt32(entries)
        let result = unsafe io_uring_register_buf_ring(ring, &registration, 0)
        // Deinit unmaps: all stored properties are set.
        guard result >= 0 else { throw EngineError(.pool, Errno(rawValue: -result)) }
        offerFree()
    }

    deinit { unsafe munmap(queue, byteCount) }

    /// Gives the kernel every slab that is free.
    func offerFree() {
        let before = tail
        while let slab = pool.takeFree() {
            unsafe cliburing_buffer_add(
                queue, UInt32(entries), tail, pool.address(of: slab),
                UInt32(SlabLimits.slabBytes), UInt16(slab))
            tail &+= 1
        }
        if tail != before { unsafe cliburing_buffers_publish(queue, tail) }
    }
}

/// Receiving into shared slabs.
extension UringEngine {
    func share(_ pool: SlabPool) throws(EngineError) {
        shared = try unsafe SharedSlabs(pool, ring)
    }

    func startReceive(_ index: Int) {
        // In the next wait: not while completions are being delivered, whose slabs come back.
        table.queue(index)
    }

    func beginReceive(_ index: Int) {
        guard let shared else { return }
        let entry = unsafe submission()
        let number = table.number(index)
        if shared.isMultishot {
            unsafe io_uring_prep_recv_multishot(entry, number, nil, 0, 0)
        } else {
            unsafe io_uring_prep_recv(entry, number, nil, SlabLimits.slabBytes, 0)
        }
        unsafe io_uring_sqe_set_flags(entry, UInt32(cliburing_sqe_buffer_select))
        table[index].isReceiveInKernel = true
        unsafe stamp(entry, .receive, index)
    }

    func completeReceive(
        _ index: Int, _ result: Int32, _ flags: UInt32, _ hasMore: Bool,
        _ deliver: (consuming Completion) -> Void
    ) {
        guard let shared else { return }
        if !hasMore { table[index].isReceiveInKernel = false }
        let hasSlab = flags & IORING_CQE_F_BUFFER != 0
        let slab = Int(flags >> UInt32(IORING_CQE_BUFFER_SHIFT))
        guard !table[index].isClosing, table[index].isReceiving, result > 0, hasSlab else {
            if hasSlab { shared.pool.putBack(slab) }
            return endReceive(index, result, deliver)
        }
        if !hasMore { table.queue(index) }
        noteReceive()
        deliver(.read(table.stream(at: index), shared.pool.lend(slab), .bytes(Int(result))))
    }

    /// No data came: the end, or a reason to begin again.
    private func endReceive(
        _ index: Int, _ result: Int32, _ deliver: (consuming Completion) -> Void
    ) {
        guard let shared, !table[index].isClosing, table[index].isReceiving else { return }
        switch -result {
        case EINVAL where shared.isMultishot:
            shared.isMultishot = false
            table.queue(index)
        // All slabs were held for a moment, or the request was not let wait: again.
        case ENOBUFS, EAGAIN: table.queue(index)
        default:
            table[index].isReceiving = false
            let transfer = result < 0 ? Transfer.failed(Errno(rawValue: -result)) : .bytes(0)
            deliver(.read(table.stream(at: index), shared.pool.lendNothing(), transfer))
        }
    }
}
