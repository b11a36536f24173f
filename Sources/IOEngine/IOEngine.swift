public import Kernel
public import Slabs

/// One loop for all input and output of a thread, on io_uring or on epoll.
///
/// Requests go in as calls, ends of requests come out as ``Completion``s, once a turn, on the same
/// thread. Memory that a request uses is a `SlabLease`: the engine has it while the kernel does,
/// and gives it back with the completion.
///
/// ```swift
/// let engine = try IOEngine(.automatic)
/// engine.register(&ring)
/// let stream = try engine.attach(descriptor, .socket)
/// engine.read(stream, into: ring.leaseFree(bytesMax: EngineLimits.readBytesMax)!)
/// while running {
///     engine.turn { completion in
///         switch consume completion {
///         case .read(let stream, let lease, let transfer): ...
///         ...
///         }
///     }
/// }
/// ```
///
/// An engine belongs to the thread that made it; only ``waker`` may be used from others. A stream
/// has at most one read, one write and one watch in flight, so what is in flight is bounded by the
/// number of streams. SIGPIPE is ignored from the first engine on, for the whole process: a peer
/// that left is an error of one write, not of the process.
public final class IOEngine {
    /// Which engine is wanted.
    public enum Choice: String, Sendable, CaseIterable {
        /// io_uring where it can be had, epoll elsewhere.
        case automatic = "auto"
        case uring
        case epoll
    }

    /// Whether the rings of this engine are registered with the kernel.
    public enum Registration: Equatable, Sendable {
        /// The epoll engine has no such thing, or no ring was introduced.
        case none
        case registered
        /// Refused so far; tried again at the moments of ``EngineLimits``.
        case retrying(Errno)
        /// Refused for good: requests carry plain addresses.
        case refused(Errno)
    }

    /// What the engine counted since it was made.
    public struct Counters: Equatable, Sendable {
        /// Waits for the kernel: system calls, in the uring engine with the submissions in them.
        public var waits: UInt64 = 0
        public var reads: UInt64 = 0
        public var writes: UInt64 = 0
        /// Of these, requests on registered memory.
        public var fixedRequests: UInt64 = 0
        public var edges: UInt64 = 0
        /// Calls beside the wait: read(2) and write(2) of the epoll engine, extra submissions.
        public var otherCalls: UInt64 = 0
        /// uring: requests that the kernel did not let wait, and that were begun again.
        public var refusedParks: UInt64 = 0
        /// Writes that were refused and begun again at once, for there was room by then.
        public var writesAgain: UInt64 = 0
        /// uring: waits that were for more than one completion, as ``EngineLimits/gatheredMax``.
        public var gatheringWaits: UInt64 = 0
    }

    public let kind: EngineKind
    /// Why the engine is not io_uring although it might have been; `nil` otherwise.
    public let fallback: EngineError?
    public let waker: Waker
    /// Calls of ``turn(until:_:)`` so far.
    public private(set) var turns: UInt64 = 0

    private let table: StreamTable
    private let backend: any EngineBackend
    private var timers: TimerTable
    private var registrar = BufferRegistrar()
    private var pool: SlabPool?

    /// - Parameters:
    ///   - choice: ``Choice/automatic`` falls back and says why in ``fallback``; the others fail.
    ///   - streamsMax: 1 to 16,384 streams at a time.
    ///   - timersMax: timer keys are below this.
    /// - Throws: ``EngineError`` when the wanted engine cannot be had.
    public init(
        _ choice: Choice = .automatic, streamsMax: Int = EngineLimits.streamsDefault,
        timersMax: Int = EngineLimits.timersDefault
    ) throws(EngineError) {
        ignoreBrokenPipes()
        timers = TimerTable(timersMax: timersMax)
        let waker = try Waker()
        let table = StreamTable(streamsMax: streamsMax)
        self.waker = waker
        self.table = table
        switch choice {
        case .epoll:
            fallback = nil
            backend = try EpollEngine(table: table, waker: waker)
        case .uring:
            fallback = nil
            backend = try UringEngine(table: table, waker: waker)
        case .automatic:
            do {
                backend = try UringEngine(table: table, waker: waker)
                fallback = nil
            } catch {
                fallback = error
                backend = try EpollEngine(table: table, waker: waker)
            }
        }
        kind = backend.kind
    }

    deinit {
        backend.shutDown()
        table.abandonLeases()
    }

    public var counters: Counters { backend.counters }
    public var registration: Registration { registrar.state }
    /// The moment to plan with, at most one tick old (1 to 10 ms): one look at the clock serves a
    /// turn.
    public var now: MonotonicTime { table.clock.now }
    /// Streams open now.
    public var streamCount: Int { table.openCount }

    /// Introduces a ring, whose memory is registered with the kernel if it can be. Before the
    /// ring's first lease, and at most ``EngineLimits/regionsMax`` rings an engine.
    public func register<Ring: RegistrableRing & ~Copyable>(_ ring: inout Ring) {
        precondition(ring.bufferIndex == nil, "the ring is registered already")
        guard backend.kind == .uring else { return }
        ring.bufferIndex = registrar.add(ring.region, with: backend, now: .now)
    }

    /// Takes over a descriptor, which must be non-blocking.
    ///
    /// - Throws: EMFILE when all places are taken; what epoll_ctl(2) says of descriptors that
    ///   cannot be waited for, such as regular files.
    public func attach(
        _ descriptor: consuming FileDescriptor, _ kind: StreamKind
    ) throws(EngineError) -> Stream {
        guard let stream = table.open(descriptor, kind) else {
            throw EngineError(.attach, .tooManyFiles, detail: "\(table.count) streams at most")
        }
        do {
            try backend.attach(Int(stream.index))
        } catch {
            table.release(Int(stream.index))
            throw error
        }
        return stream
    }

    /// Reads into the lease as soon as something is there. A read that is in flight already is a
    /// programming error.
    public func read(_ stream: Stream, into lease: consuming SlabLease) {
        let index = check(stream)
        let isReading = table[index].reading != nil || table[index].isReceiving
        precondition(!isReading, "one read at a time")
        table[index].reading = consume lease
        backend.startRead(index)
    }

    /// Has the streams that ``receive(_:)`` share these slabs; once an engine, which keeps them.
    ///
    /// - Throws: what io_uring_register(2) says; nothing on epoll.
    public func share(_ pool: SlabPool) throws(EngineError) {
        precondition(self.pool == nil, "one pool for one engine")
        try backend.share(pool)
        self.pool = pool
    }

    /// Delivers what comes on a socket in slabs of the shared pool, read after read, until the end:
    /// an end or a failure is the last completion. Each lease goes back to the pool, mostly by way
    /// of a `PooledInput`; while none is free, what comes waits in the socket.
    ///
    /// After ``close(_:)`` nothing more is delivered but ``Completion/closed(_:)``.
    public func receive(_ stream: Stream) {
        let index = check(stream)
        precondition(pool != nil, "share a pool first")
        let isFree = table[index].reading == nil && !table[index].isReceiving
        precondition(isFree && table[index].kind == .socket, "one read at a time, of a socket")
        table[index].isReceiving = true
        backend.startReceive(index)
    }

    /// Writes the lease's bytes as soon as there is room for some of them. How many were taken is
    /// told by the completion: the rest is the caller's to write again, from exactly there.
    public func write(_ stream: Stream, from lease: consuming SlabLease) {
        precondition(lease.count <= EngineLimits.writeBytesMax, "more than one write may carry")
        let index = check(stream)
        let isWriting = table[index].writing != nil
        precondition(!isWriting, "one write at a time")
        table[index].writing = consume lease
        backend.startWrite(index)
    }

    public func isReading(_ stream: Stream) -> Bool { table[check(stream)].reading != nil }
    public func isWriting(_ stream: Stream) -> Bool { table[check(stream)].writing != nil }

    /// Delivers ``Completion/edge(_:_:)`` at once when the descriptor is ready for something, and
    /// from then on whenever its state changes. Changes in quick succession may merge into one.
    public func watch(_ stream: Stream) {
        let index = check(stream)
        guard !table[index].isWatched else { return }
        table[index].isWatched = true
        backend.startWatch(index)
    }

    /// Ends what is in flight, gives the leases back as cancelled, closes the descriptor, and then
    /// delivers ``Completion/closed(_:)``.
    public func close(_ stream: Stream) {
        let index = check(stream)
        table[index].isClosing = true
        table[index].isWatched = false
        backend.startClose(index)
    }

    /// Whether it was closed already, or is being closed.
    public func isClosing(_ stream: Stream) -> Bool {
        !table.isCurrent(stream) || table[Int(stream.index)].isClosing
    }

    /// Makes sure that a read in flight sees data that ``poll(_:)`` saw: it ends with it, or as
    /// cancelled and is to be started again.
    ///
    /// The virtio driver takes a buffer from its queue when it is polled, and an interrupt that
    /// then finds the queue empty wakes nobody: who polls and sees data has to act on it.
    public func tryReadAgain(_ stream: Stream) {
        backend.tryReadAgain(check(stream))
    }

    /// The same for a write that waits for the room that ``poll(_:)`` saw: polled, the driver takes
    /// back the buffers that the device is done with, and their interrupt wakes nobody then.
    public func tryWriteAgain(_ stream: Stream) {
        backend.tryWriteAgain(check(stream))
    }

    /// What poll(2) says of the descriptor at this moment.
    public func poll(_ stream: Stream) -> Edges {
        pollNow(table.number(check(stream)))
    }

    /// The descriptor's number, for calls such as fstat(2) that move no data.
    public func descriptorNumber(_ stream: Stream) -> Int32 {
        table.number(check(stream))
    }

    /// Delivers ``Completion/timer(_:)`` once at that moment, or not at all if it is set to `nil`
    /// before.
    public func setTimer(_ key: TimerKey, at moment: MonotonicTime?) {
        timers.set(key, at: moment)
    }

    public func isTimerSet(_ key: TimerKey) -> Bool { timers.isSet(key) }

    /// Waits once, until something happened or a timer is due, and delivers all of it.
    ///
    /// - Parameters:
    ///   - limit: the moment at which the wait ends although nothing happened, if any.
    ///   - deliver: called for each completion, on this thread.
    public func turn(until limit: MonotonicTime? = nil, _ deliver: (consuming Completion) -> Void) {
        turns += 1
        let deadline = earlier(earlier(timers.next, registrar.retryAt), limit)
        backend.wait(until: deadline, deliver)
        guard deadline != nil else { return }
        let now = table.clock.now
        while let key = timers.takeDue(at: now) { deliver(.timer(key)) }
        if let retryAt = registrar.retryAt, retryAt <= now {
            registrar.retry(with: backend, now: now)
        }
    }

    private func earlier(_ one: MonotonicTime?, _ other: MonotonicTime?) -> MonotonicTime? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    private func check(_ stream: Stream) -> Int {
        let index = Int(stream.index)
        precondition(table.isCurrent(stream), "the stream is closed")
        let isClosing = table[index].isClosing
        precondition(!isClosing, "the stream is closing")
        return index
    }
}
