import CLiburing
import Glibc
import Kernel

/// Makes a ring: the flags that this kernel knows, the operations that the engine needs, and the
/// restriction to them, before the ring is enabled.
enum RingSetup {
    /// The operations that the engine uses. With the restriction in force no other can run, whoever
    /// gets hold of the ring's descriptor.
    static let operations: [io_uring_op] = [
        IORING_OP_READ, IORING_OP_READ_FIXED, IORING_OP_WRITE, IORING_OP_WRITE_FIXED,
        IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL, IORING_OP_RECV,
    ]

    /// From the best to the plainest: DEFER_TASKRUN (6.1) does the work when we wait for it, not in
    /// the middle of ours; COOP_TASKRUN (5.19) at least interrupts nothing.
    private static let flagSets: [UInt32] = [
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        IORING_SETUP_COOP_TASKRUN,
        0,
    ]

    /// - Parameters:
    ///   - ring: memory for one ring, not initialised; it is when this returns.
    ///   - streamsMax: how many streams the ring serves.
    static func make(_ ring: UnsafeMutablePointer<io_uring>, streamsMax: Int) throws(EngineError) {
        try unsafe queueInit(ring, streamsMax: streamsMax)
        do throws(EngineError) {
            try unsafe checkOperations(ring)
            try unsafe reserveBuffers(ring)
            try unsafe restrict(ring)
            // Saves the kernel a look-up of the ring's file in every call; where it is refused, no
            // harm.
            _ = unsafe io_uring_register_ring_fd(ring)
            // liburing 2.3 declares io_uring_enable_rings and io_uring_register_restrictions, but
            // its shared library does not export them.
            let result = unsafe io_uring_register(
                UInt32(ring.pointee.ring_fd), UInt32(IORING_REGISTER_ENABLE_RINGS), nil, 0)
            guard result >= 0 else { throw EngineError(.enable, Errno(rawValue: -result)) }
        } catch {
            unsafe io_uring_queue_exit(ring)
            throw error
        }
    }

    private static func queueInit(
        _ ring: UnsafeMutablePointer<io_uring>, streamsMax: Int
    ) throws(EngineError) {
        // A turn can submit a read, a write, a poll and a cancel for each stream; where that is
        // more than the queue holds, the queue is submitted in between.
        let requests = streamsMax * 4
        let submissions = UInt32(min(4096, max(64, requests)))
        let completions = UInt32(min(65_536, max(256, requests * 2)))
        var last: Int32 = 0
        for flags in flagSets {
            var parameters = io_uring_params()
            parameters.flags =
                flags | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP
            parameters.cq_entries = completions
            last = unsafe io_uring_queue_init_params(submissions, ring, &parameters)
            if last >= 0 {
                let needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG
                guard parameters.features & needed == needed else {
                    unsafe io_uring_queue_exit(ring)
                    throw EngineError(.setUp, .invalid, detail: "the kernel may drop completions")
                }
                return
            }
            // Only flags that are not known are worth another try.
            guard last == -EINVAL else { break }
        }
        throw EngineError(.setUp, Errno(rawValue: -last))
    }

    private static func checkOperations(
        _ ring: UnsafeMutablePointer<io_uring>
    ) throws(EngineError) {
        guard let probe = unsafe io_uring_get_probe_ring(ring) else {
            throw EngineError(.probe, .notSupported)
        }
        defer { unsafe io_uring_free_probe(probe) }
        for operation in operations
        where unsafe io_uring_opcode_supported(probe, Int32(operation.rawValue)) == 0 {
            throw EngineError(
                .probe, .notSupported, detail: "operation \(operation.rawValue) is missing")
        }
    }

    /// An empty table, so that rings which are introduced later only fill a place.
    private static func reserveBuffers(
        _ ring: UnsafeMutablePointer<io_uring>
    ) throws(EngineError) {
        let result = unsafe io_uring_register_buffers_sparse(
            ring, UInt32(EngineLimits.regionsMax))
        guard result >= 0 else { throw EngineError(.table, Errno(rawValue: -result)) }
    }

    private static func restrict(_ ring: UnsafeMutablePointer<io_uring>) throws(EngineError) {
        var entries = operations.map { cliburing_allow_sqe_op(UInt8($0.rawValue)) }
        entries.append(cliburing_allow_sqe_flags(cliburing_sqe_buffer_select))
        // Filling a place of the table of buffers, and a queue of shared slabs, are all that may be
        // registered later.
        entries.append(cliburing_allow_register_op(UInt8(IORING_REGISTER_BUFFERS_UPDATE)))
        entries.append(cliburing_allow_register_op(UInt8(IORING_REGISTER_PBUF_RING)))
        let result = unsafe entries.withUnsafeMutableBufferPointer { buffer in
            unsafe io_uring_register(
                UInt32(ring.pointee.ring_fd), UInt32(IORING_REGISTER_RESTRICTIONS),
                buffer.baseAddress, UInt32(buffer.count))
        }
        guard result >= 0 else { throw EngineError(.restrict, Errno(rawValue: -result)) }
    }
}
