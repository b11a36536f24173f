import CLiburing
import CLinux
import Glibc
import Kernel
import Slabs

/// The engine on io_uring: requests gather in the submission queue, and one system call a turn
/// submits them and waits.
///
/// Descriptors are non-blocking, so a request that cannot go on parks on the descriptor's poll and
/// occupies no thread. Source: io_uring(7), io_uring_enter(2).
@safe
final class UringEngine: EngineBackend {
    let kind = EngineKind.uring
    private(set) var counters = IOEngine.Counters()

    let table: StreamTable
    private let waker: Waker
    /// SAFETY: allocated and set up in init, exited and freed in shutDown; used by one thread only.
    let ring: UnsafeMutablePointer<io_uring>
    /// SAFETY: room for one batch of pointers into the ring, freed in shutDown.
    private let batch: UnsafeMutablePointer<UnsafeMutablePointer<io_uring_cqe>?>
    private(set) var usesRegisteredBuffers = false
    var shared: SharedSlabs?
    private var isDown = false
    private var turnsWithoutWait = 0
    /// Completions that the last wait brought.
    private var broughtLast = 0

    init(table: StreamTable, waker: Waker) throws(EngineError) {
        self.table = table
        self.waker = waker
        unsafe ring = .allocate(capacity: 1)
        unsafe ring.initialize(to: io_uring())
        unsafe batch = .allocate(capacity: EngineLimits.batchMax)
        unsafe batch.initialize(repeating: nil, count: EngineLimits.batchMax)
        do throws(EngineError) {
            try unsafe RingSetup.make(ring, streamsMax: table.count)
        } catch {
            unsafe ring.deallocate()
            unsafe batch.deallocate()
            throw error
        }
        watchWaker()
    }

    // MARK: Submissions

    /// A free place in the submission queue, submitting what is in it if it is full.
    func submission() -> UnsafeMutablePointer<io_uring_sqe> {
        if let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
        for _ in 0..<Self.submissionsMax {
            counters.otherCalls += 1
            // EAGAIN, EBUSY, EINTR: the kernel is short of something for a moment.
            _ = unsafe io_uring_submit(ring)
            if let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
            sched_yield()
        }
        preconditionFailure("the submission queue stays full")
    }

    private static let submissionsMax = 100_000

    func stamp(
        _ entry: UnsafeMutablePointer<io_uring_sqe>, _ operation: UserData.Operation, _ index: Int
    ) {
        let mark = UserData(
            operation, index: index, generation: table[index].generation)
        unsafe io_uring_sqe_set_data64(entry, mark.packed)
        table[index].requestsInKernel += 1
    }

    func noteReceive() { counters.reads += 1 }
    func noteReadAtOnce() { counters.otherCalls += 1 }
    func noteEdge() { counters.edges += 1 }
    func noteWrite() { counters.writes += 1 }
    func noteFixedRequest() { counters.fixedRequests += 1 }

    func writeAtOnce(
        _ number: Int32, _ lease: borrowing SlabLease, _ kind: StreamKind
    ) -> Transfer? {
        writeNow(number, lease, kind, &counters)
    }

    private func watchWaker() {
        let entry = unsafe submission()
        unsafe io_uring_prep_poll_multishot(
            entry, waker.event.number, clinux_epoll_in | clinux_epoll_edge_triggered)
        unsafe io_uring_sqe_set_data64(entry, UserData(.waker).packed)
    }

    func attach(_ index: Int) throws(EngineError) {
        guard table[index].kind == .socket else { return }
        table[index].isSocket = clinux_is_socket(table.number(index)) == 1
    }

    func startRead(_ index: Int) {
        guard table[index].kind == .socket else { return startDeviceRead(index) }
        let entry = unsafe submission()
        let number = table.number(index)
        let (address, count, buffer) = unsafe location(reading: index)
        if table[index].isSocket {
            // Less processor time than READ_FIXED, and less to do before it waits.
            unsafe io_uring_prep_recv(entry, number, address, count, 0)
        } else if usesRegisteredBuffers, let buffer {
            noteFixedRequest()
            unsafe io_uring_prep_read_fixed(
                entry, number, address, UInt32(count), .max, Int32(buffer))
        } else {
            unsafe io_uring_prep_read(entry, number, address, UInt32(count), .max)
        }
        counters.reads += 1
        unsafe stamp(entry, .read, index)
    }

    private func location(reading index: Int) -> (UnsafeMutableRawPointer, Int, Int?) {
        // SAFETY: the lease stays in the slot until the request's completion takes it out.
        switch table[index].reading {
        case .some(let lease): return unsafe (lease.address, lease.count, lease.bufferIndex)
        case .none: preconditionFailure("a read without a lease")
        }
    }

    func location(writing index: Int) -> (UnsafeMutableRawPointer, Int, Int?) {
        // SAFETY: as for reading.
        switch table[index].writing {
        case .some(let lease): return unsafe (lease.address, lease.count, lease.bufferIndex)
        case .none: preconditionFailure("a write without a lease")
        }
    }

    func startClose(_ index: Int) {
        guard table[index].requestsInKernel > 0 else {
            table.queue(index)
            return
        }
        let entry = unsafe submission()
        unsafe io_uring_prep_cancel_fd(entry, table.number(index), cliburing_cancel_fd_all)
        unsafe stamp(entry, .cancel, index)
    }

    func tryReadAgain(_ index: Int) {
        // A read of a socket that is parked in the ring misses nothing.
        if table[index].kind == .device { noteDevice(index, .input) }
    }

    func tryWriteAgain(_ index: Int) {
        if table[index].kind == .device { noteDevice(index, .output) }
    }

    // MARK: Registration

    func register(_ region: SlabRegion, bufferIndex: Int) throws(Errno) {
        var vector = unsafe iovec(iov_base: region.address, iov_len: region.count)
        var tag: UInt64 = 0
        let result = unsafe io_uring_register_buffers_update_tag(
            ring, UInt32(bufferIndex), &vector, &tag, 1)
        guard result >= 0 else { throw Errno(rawValue: -result) }
        guard result == 1 else { throw .noMemory }
    }

    func useRegisteredBuffers(_ isOn: Bool) {
        usesRegisteredBuffers = isOn
    }

    // MARK: Completions

    func wait(until deadline: MonotonicTime?, _ deliver: (consuming Completion) -> Void) {
        var isPatient = true
        table.drainQueue { index in
            if attempt(index, deliver) { isPatient = false }
        }
        shared?.offerFree()
        // What was told may be all there is to do for now; but the others get their turn.
        if !isPatient {
            turnsWithoutWait += 1
            if turnsWithoutWait <= EngineLimits.turnsWithoutWaitMax { return }
        }
        turnsWithoutWait = 0
        enter(until: isPatient ? deadline : MonotonicTime(nanoseconds: 0))
        takeCompletions(deliver)
        table.drainQueueAgain { index in _ = attempt(index, deliver) }
    }

    private func takeCompletions(_ deliver: (consuming Completion) -> Void) {
        broughtLast = 0
        while true {
            let count = unsafe io_uring_peek_batch_cqe(ring, batch, UInt32(EngineLimits.batchMax))
            if count == 0 { return }
            broughtLast += Int(count)
            for place in 0..<Int(count) {
                // SAFETY: the first `count` entries point into the completion queue until it
                // advances.
                guard let entry = unsafe batch[place] else { continue }
                unsafe complete(entry.pointee, deliver)
            }
            unsafe io_uring_cq_advance(ring, count)
            if count < UInt32(EngineLimits.batchMax) { return }
        }
    }

    /// What a stream can do without the ring.
    ///
    /// - Returns: whether something was delivered.
    private func attempt(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Bool {
        guard table[index].descriptor != nil else { return false }
        let generation = table[index].generation
        if !table[index].isClosing { writeAgain(index) }
        var isDone = tellFinishedWrite(index, deliver)
        // The consumer may have closed the stream, and even opened another in its place, meanwhile.
        var isOpen: Bool {
            table[index].generation == generation && table[index].descriptor != nil
                && !table[index].isClosing
        }
        if isOpen, tellOwedEdge(index, deliver) { isDone = true }
        if isOpen, table[index].kind == .device, readDevice(index, deliver) { isDone = true }
        if isOpen, table[index].isReceiving, !table[index].isReceiveInKernel { beginReceive(index) }
        guard table[index].generation == generation, table[index].descriptor != nil,
            table[index].isClosing
        else { return isDone }
        finishClose(index, deliver)
        return true
    }

    /// How many completions the next wait is for.
    ///
    /// An engine that is faster than its senders would otherwise make a call for each two or three
    /// writes of theirs. Where several streams had something at once, more is on its way; it is
    /// waited for, for a moment, and a message that comes alone in it is held up by the rest of it.
    /// Where one came at a time, a question and its answer, none is.
    private var completionsWanted: Int {
        guard shared != nil, broughtLast > 1 else { return 1 }
        return max(1, min(EngineLimits.gatheredMax, table.openCount / 4))
    }

    /// Submits what has gathered and waits for completions or the deadline, in one system call.
    private func enter(until deadline: MonotonicTime?) {
        counters.waits += 1
        var first: UnsafeMutablePointer<io_uring_cqe>?
        let result: Int32
        var left = deadline?.nanoseconds(since: table.clock.now)
        let wanted = completionsWanted
        if wanted > 1, left != 0 {
            counters.gatheringWaits += 1
            left = min(left ?? .max, EngineLimits.gatheringNanoseconds)
        }
        if left == 0 {
            // Not a wait of no time: for that the kernel sets a timer, and sleeps until it rings.
            result = unsafe io_uring_submit_and_get_events(ring)
        } else if let left {
            var limit = __kernel_timespec(
                tv_sec: Int64(left / 1_000_000_000), tv_nsec: Int64(left % 1_000_000_000))
            result = unsafe io_uring_submit_and_wait_timeout(
                ring, &first, UInt32(wanted), &limit, nil)
        } else {
            result = unsafe io_uring_submit_and_wait_timeout(ring, &first, 1, nil, nil)
        }
        table.clock.pass()
        switch -result {
        case ETIME, EINTR, EAGAIN, EBUSY: break
        case let failure where failure > 0:
            // Nothing that the caller could mend: the ring itself is broken.
            preconditionFailure("io_uring_enter failed: \(Errno(rawValue: failure))")
        default: break
        }
    }

    private func complete(_ entry: io_uring_cqe, _ deliver: (consuming Completion) -> Void) {
        let mark = UserData(packed: entry.user_data)
        let hasMore = entry.flags & IORING_CQE_F_MORE != 0
        if mark.operation == .waker {
            waker.clear()
            if !hasMore { watchWaker() }
            deliver(.woken)
            return
        }
        let index = mark.index
        // The slot cannot have a successor: it is freed only when the kernel owes it nothing.
        precondition(table[index].generation & 0xff_ffff == mark.generation)
        if !hasMore { table[index].requestsInKernel -= 1 }
        switch mark.operation {
        case .read: completeRead(index, entry.res, deliver)
        case .write: completeWrite(index, entry.res, deliver)
        case .poll: completePoll(index, entry.res, hasMore, deliver)
        case .receive: completeReceive(index, entry.res, entry.flags, hasMore, deliver)
        case .cancel, .waker: break
        }
        let isDone = table[index].isClosing && table[index].requestsInKernel == 0
        if isDone && table[index].descriptor != nil { finishClose(index, deliver) }
    }

    private func completeRead(
        _ index: Int, _ result: Int32, _ deliver: (consuming Completion) -> Void
    ) {
        if wasNotParked(index, result) { return startRead(index) }
        guard let lease = table[index].reading.take() else {
            preconditionFailure("a read ended twice")
        }
        let transfer =
            result < 0 ? Transfer.failed(Errno(rawValue: -result)) : .bytes(Int(result))
        deliver(.read(table.stream(at: index), lease, transfer))
    }

    /// Whether a request came back with EAGAIN instead of waiting, and is to be asked for again.
    ///
    /// A virtio port wakes whoever waits for it, for whatever reason: a parked read also when the
    /// host has taken what was written. The kernel tries a request again at each such wake-up, and
    /// gives it up after 128. Source: io_req_alloc_apoll and APOLL_MAX_RETRY in io_uring/poll.c.
    func wasNotParked(_ index: Int, _ result: Int32) -> Bool {
        guard result == -EAGAIN, !table[index].isClosing else { return false }
        counters.refusedParks += 1
        return true
    }

    private func finishClose(_ index: Int, _ deliver: (consuming Completion) -> Void) {
        guard table[index].requestsInKernel == 0 else { return }
        _ = tellFinishedWrite(index, deliver)
        let stream = table.stream(at: index)
        if let lease = table[index].reading.take() {
            deliver(.read(stream, lease, .failed(.cancelled)))
        }
        if let lease = table[index].writing.take() {
            deliver(.written(stream, lease, .failed(.cancelled)))
        }
        table.release(index)
        deliver(.closed(stream))
    }

    // MARK: End

    func shutDown() {
        guard !isDown else { return }
        isDown = true
        // Everything is cancelled and waited for: the kernel must not write into memory that is
        // about to be unmapped.
        for index in (0..<table.count) where table[index].requestsInKernel > 0 {
            if table[index].isClosing { continue }
            table[index].isClosing = true
            table[index].isWatched = false
            startClose(index)
        }
        var turns = 0
        while turns < 1000, (0..<table.count).contains(where: { table[$0].requestsInKernel > 0 }) {
            turns += 1
            wait(until: MonotonicTime.now.adding(milliseconds: 10)) { completion in
                switch consume completion {
                case .read(_, let lease, _): lease.abandon()
                case .written(_, let lease, _): lease.abandon()
                default: break
                }
            }
        }
        unsafe io_uring_queue_exit(ring)
        shared = nil
        unsafe ring.deallocate()
        unsafe batch.deallocate()
    }
}
