import Kernel
import Slabs

/// All that an engine knows of one stream.
struct StreamSlot: ~Copyable {
    var generation: UInt32 = 0
    /// `nil` when the place is free.
    var descriptor: FileDescriptor?
    var kind = StreamKind.socket
    var reading: SlabLease?
    var writing: SlabLease?
    /// Reads into slabs of the shared pool until it ends.
    var isReceiving = false
    var isWatched = false
    var isClosing = false
    var isQueued = false

    /// uring: requests that the kernel still owes a completion for.
    var requestsInKernel = 0
    /// uring: is the multishot poll among them?
    var isPolling = false
    /// uring: is a receive among them?
    var isReceiveInKernel = false
    /// uring: takes recv(2), which pipes and devices do not.
    var isSocket = false
    /// uring: how a write that was done at once ended, until it is told.
    var finishedWrite: Transfer?

    /// What holds already has not been told.
    var owesEdge = false
    /// It is not known to be blocked; uring: a device.
    var mayRead = true
    /// The same for writing.
    var mayWrite = true
    /// epoll: the peer is known to have hung up, so that a short read may have an end behind it.
    var sawHangUp = false
}

/// The streams of an engine: a fixed number of places, so that work in flight is bounded.
@safe
final class StreamTable {
    /// SAFETY: `count` slots, initialised in init and freed in deinit; every access is checked
    /// against `count`. A slot is not copyable, so an Array cannot hold it.
    private let slots: UnsafeMutablePointer<StreamSlot>
    let count: Int
    let clock = TurnClock()
    private var free: [UInt32]
    /// Streams that have something to deliver without the kernel: see ``queue(_:)``.
    private(set) var queued: [UInt32] = []
    private var draining: [UInt32] = []

    init(streamsMax: Int) {
        precondition((1...EngineLimits.streamsMax).contains(streamsMax), "1 to 16,384 streams")
        count = streamsMax
        unsafe slots = .allocate(capacity: streamsMax)
        for index in 0..<streamsMax { unsafe (slots + index).initialize(to: StreamSlot()) }
        free = (0..<UInt32(streamsMax)).reversed()
        queued.reserveCapacity(streamsMax)
        draining.reserveCapacity(streamsMax)
    }

    deinit {
        unsafe slots.deinitialize(count: count)
        unsafe slots.deallocate()
    }

    /// Borrowed or changed in place: a slot owns a descriptor and leases, and cannot be copied.
    subscript(index: Int) -> StreamSlot {
        // Addresses and not coroutines: a coroutine that is not inlined is a call of malloc.
        @inline(__always) unsafeAddress {
            precondition(index >= 0 && index < count, "a stream that is none")
            return unsafe UnsafePointer(slots + index)
        }
        @inline(__always) unsafeMutableAddress {
            precondition(index >= 0 && index < count, "a stream that is none")
            return unsafe slots + index
        }
    }

    var openCount: Int { count - free.count }

    func open(_ descriptor: consuming FileDescriptor, _ kind: StreamKind) -> Stream? {
        guard let index = free.popLast() else { return nil }
        let generation = self[Int(index)].generation &+ 1
        self[Int(index)] = StreamSlot()
        self[Int(index)].generation = generation
        self[Int(index)].kind = kind
        self[Int(index)].descriptor = consume descriptor
        return Stream(index: index, generation: generation)
    }

    /// Closes the descriptor and frees the place. No lease may be left in it.
    func release(_ index: Int) {
        precondition(self[index].requestsInKernel == 0, "the kernel still uses the descriptor")
        let hasLeases = self[index].reading != nil || self[index].writing != nil
        precondition(!hasLeases, "a stream was freed with leases in flight")
        self[index].descriptor = nil
        free.append(UInt32(index))
    }

    func isCurrent(_ stream: Stream) -> Bool {
        let index = Int(stream.index)
        return self[index].generation == stream.generation && self[index].descriptor != nil
    }

    func stream(at index: Int) -> Stream {
        Stream(index: UInt32(index), generation: self[index].generation)
    }

    /// The descriptor's number, for system calls.
    func number(_ index: Int) -> Int32 {
        guard let number = self[index].descriptor?.number else {
            preconditionFailure("a stream that is not open")
        }
        return number
    }

    /// Has the stream looked at in the next turn. At most once in the list, so the list is bounded.
    func queue(_ index: Int) {
        guard !self[index].isQueued else { return }
        self[index].isQueued = true
        queued.append(UInt32(index))
    }

    /// Empties the list into `body`; what is queued meanwhile waits for the next turn.
    func drainQueue(_ body: (Int) -> Void) {
        guard !queued.isEmpty else { return }
        // Two arrays that take turns: neither is ever allocated again.
        swap(&queued, &draining)
        for place in draining.indices {
            let index = Int(draining[place])
            self[index].isQueued = false
            body(index)
        }
        draining.removeAll(keepingCapacity: true)
    }

    /// Empties the list a few times over, after a wait: what came is read, and what was written in
    /// answer is told, so that a request and its answer are one turn and one wait.
    func drainQueueAgain(_ body: (Int) -> Void) {
        for _ in 0..<EngineLimits.drainRoundsMax where !queued.isEmpty { drainQueue(body) }
    }

    /// Gives up every lease when the engine ends: the kernel has let go of them.
    func abandonLeases() {
        for index in 0..<count {
            if let lease = self[index].reading.take() { lease.abandon() }
            if let lease = self[index].writing.take() { lease.abandon() }
        }
    }
}
