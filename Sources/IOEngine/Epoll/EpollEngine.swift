import CLinux
import Glibc
import Kernel
import Slabs

/// The engine on epoll(7) and plain read(2) and write(2): the same behaviour where io_uring is
/// refused.
///
/// Every descriptor is registered once, edge-triggered, for everything. A slot remembers whether
/// its last read or write would have blocked; only those that would not are tried, so an idle
/// stream costs nothing.
final class EpollEngine: EngineBackend {
    let kind = EngineKind.epoll
    private(set) var counters = IOEngine.Counters()

    private let table: StreamTable
    private let waker: Waker
    private let epoll: FileDescriptor
    private var events = [clinux_epoll_event](
        repeating: clinux_epoll_event(), count: EngineLimits.batchMax)
    private var turnsWithoutWait = 0
    private var pool: SlabPool?

    private static let wakerMark = UInt64.max
    private static let everything =
        clinux_epoll_in | clinux_epoll_out | clinux_epoll_rdhup | clinux_epoll_edge_triggered

    init(table: StreamTable, waker: Waker) throws(EngineError) {
        let number = clinux_epoll_create()
        guard number >= 0 else { throw EngineError(.epoll, .current) }
        epoll = FileDescriptor(owning: number)
        self.table = table
        self.waker = waker
        let events = clinux_epoll_in | clinux_epoll_edge_triggered
        guard clinux_epoll_add(number, waker.event.number, events, Self.wakerMark) == 0 else {
            throw EngineError(.epoll, .current)
        }
    }

    func attach(_ index: Int) throws(EngineError) {
        let number = table.number(index)
        guard clinux_epoll_add(epoll.number, number, Self.everything, mark(index)) == 0 else {
            throw EngineError(.attach, .current, detail: "descriptor \(number)")
        }
    }

    func startRead(_ index: Int) {
        if table[index].mayRead { table.queue(index) }
    }

    func startWrite(_ index: Int) {
        if table[index].mayWrite { table.queue(index) }
    }

    func startWatch(_ index: Int) {
        // Asking again makes an edge of what holds already, as a new poll request of io_uring does.
        let number = table.number(index)
        let result = clinux_epoll_again(epoll.number, number, Self.everything, mark(index))
        guard result != 0 else { return }
        // Whatever was wrong: changes are still told, only what holds already is not.
        table[index].owesEdge = true
        table.queue(index)
    }

    func startClose(_ index: Int) {
        table.queue(index)
    }

    func share(_ pool: SlabPool) {
        self.pool = pool
    }

    func startReceive(_ index: Int) {
        if table[index].mayRead { table.queue(index) }
    }

    func tryReadAgain(_ index: Int) {
        table[index].mayRead = true
        if table[index].reading != nil { table.queue(index) }
    }

    func tryWriteAgain(_ index: Int) {
        table[index].mayWrite = true
        if table[index].writing != nil { table.queue(index) }
    }

    func register(_ region: SlabRegion, bufferIndex: Int) throws(Errno) {
        throw .notSupported
    }

    func useRegisteredBuffers(_ isOn: Bool) {}

    func shutDown() {}

    private func mark(_ index: Int) -> UInt64 {
        UInt64(table[index].generation) << 32 | UInt64(index)
    }

    func wait(until deadline: MonotonicTime?, _ deliver: (consuming Completion) -> Void) {
        var moved = 0
        table.drainQueue { index in
            moved += attempt(index, deliver)
        }
        var isPatient = true
        if moved > 0 || !table.queued.isEmpty {
            turnsWithoutWait += 1
            guard turnsWithoutWait > EngineLimits.turnsWithoutWaitMax else { return }
            isPatient = false
        }
        turnsWithoutWait = 0
        counters.waits += 1
        let timeout = isPatient ? nanoseconds(until: deadline) : 0
        let count = unsafe events.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: the kernel fills at most buffer.count entries before the call returns.
            unsafe clinux_epoll_wait(
                epoll.number, buffer.baseAddress, Int32(buffer.count), timeout)
        }
        table.clock.pass()
        for place in 0..<max(0, Int(count)) { note(events[place], deliver) }
        table.drainQueueAgain { index in _ = attempt(index, deliver) }
    }

    private func nanoseconds(until deadline: MonotonicTime?) -> Int64 {
        guard let deadline else { return -1 }
        return Int64(clamping: deadline.nanoseconds(since: table.clock.now))
    }

    /// Marks what an event says and queues what can go on now.
    private func note(_ event: clinux_epoll_event, _ deliver: (consuming Completion) -> Void) {
        guard event.data != Self.wakerMark else {
            waker.clear()
            deliver(.woken)
            return
        }
        let index = Int(event.data & 0xffff_ffff)
        let generation = UInt32(event.data >> 32)
        guard table[index].generation == generation,
            table[index].descriptor != nil, !table[index].isClosing
        else { return }
        let edges = Edges(rawValue: event.events)
        let isHungUp = !edges.isDisjoint(with: [.hangUp, .error, .peerClosedWriting])
        if isHungUp { table[index].sawHangUp = true }
        if edges.contains(.input) || isHungUp { table[index].mayRead = true }
        if edges.contains(.output) || isHungUp { table[index].mayWrite = true }
        let wantsRead = table[index].reading != nil || table[index].isReceiving
        let canRead = table[index].mayRead && wantsRead
        let canWrite = table[index].mayWrite && table[index].writing != nil
        if canRead || canWrite { table.queue(index) }
        if table[index].isWatched {
            counters.edges += 1
            deliver(.edge(table.stream(at: index), edges))
        }
    }

    /// Tries what is asked of a stream and may go on: how many completions came of it.
    private func attempt(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Int {
        guard table[index].descriptor != nil else { return 0 }
        if table[index].isClosing { return finishClose(index, deliver) }
        let generation = table[index].generation
        var moved = 0
        if table[index].owesEdge {
            table[index].owesEdge = false
            moved += 1
            deliver(.edge(table.stream(at: index), pollNow(table.number(index))))
            guard table[index].generation == generation, !table[index].isClosing else {
                return moved
            }
        }
        if table[index].mayRead, let lease = table[index].reading.take() {
            moved += read(index, lease, deliver)
        }
        if table[index].mayRead, table[index].isReceiving { moved += receive(index, deliver) }
        // The consumer may have closed the stream, and even opened another in its place, meanwhile.
        guard table[index].generation == generation, !table[index].isClosing else {
            return moved
        }
        if table[index].mayWrite, let lease = table[index].writing.take() {
            moved += write(index, lease, deliver)
        }
        return moved
    }

    private func read(
        _ index: Int, _ lease: consuming SlabLease, _ deliver: (consuming Completion) -> Void
    ) -> Int {
        var got: Int
        repeat {
            counters.otherCalls += 1
            // SAFETY: the lease is ours until it is delivered, and as long as the call asks for.
            got = unsafe Glibc.read(table.number(index), lease.address, lease.count)
        } while got < 0 && errno == EINTR
        if got < 0 && errno == EAGAIN {
            table[index].mayRead = false
            table[index].reading = consume lease
            return 0
        }
        let transfer = got < 0 ? Transfer.failed(.current) : .bytes(got)
        let isShort = got > 0 && got < lease.count
        if isShort && table[index].kind == .socket && !table[index].sawHangUp {
            table[index].mayRead = false
        }
        counters.reads += 1
        deliver(.read(table.stream(at: index), lease, transfer))
        return 1
    }

    /// One read into a slab of the pool's; more wait for the next turn, after the other streams.
    private func receive(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Int {
        guard let pool, let slab = pool.takeFree() else {
            table.queue(index)
            return 0
        }
        var got: Int
        repeat {
            counters.otherCalls += 1
            // SAFETY: the slab is nobody's until it is lent.
            got = unsafe Glibc.read(
                table.number(index), pool.address(of: slab), SlabLimits.slabBytes)
        } while got < 0 && errno == EINTR
        if got <= 0 {
            let failure = Errno.current
            pool.putBack(slab)
            if got < 0 && failure == .again {
                table[index].mayRead = false
                return 0
            }
            table[index].isReceiving = false
            let transfer = got < 0 ? Transfer.failed(failure) : .bytes(0)
            deliver(.read(table.stream(at: index), pool.lendNothing(), transfer))
            return 1
        }
        if got < SlabLimits.slabBytes, !table[index].sawHangUp {
            table[index].mayRead = false
        } else {
            table.queue(index)
        }
        counters.reads += 1
        deliver(.read(table.stream(at: index), pool.lend(slab), .bytes(got)))
        return 1
    }

    private func write(
        _ index: Int, _ lease: consuming SlabLease, _ deliver: (consuming Completion) -> Void
    ) -> Int {
        let kind = table[index].kind
        guard let transfer = writeNow(table.number(index), lease, kind, &counters) else {
            table[index].mayWrite = false
            table[index].writing = consume lease
            return 0
        }
        counters.writes += 1
        deliver(.written(table.stream(at: index), lease, transfer))
        return 1
    }

    private func finishClose(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Int {
        let stream = table.stream(at: index)
        if let lease = table[index].reading.take() {
            deliver(.read(stream, lease, .failed(.cancelled)))
        }
        if let lease = table[index].writing.take() {
            deliver(.written(stream, lease, .failed(.cancelled)))
        }
        _ = clinux_epoll_remove(epoll.number, table.number(index))
        table.release(index)
        deliver(.closed(stream))
        return 1
    }
}
