import CLiburing
import CLinux
import Glibc
import Kernel
import Slabs

/// Polls, and reads of devices: a poll in the ring says when, and read(2) takes what is there.
///
/// A virtio port wakes whoever waits for it for any reason, also when the host has taken what was
/// written. A read that is parked in the ring is tried again at each of these, and given up after
/// 128 of them with EAGAIN (io_req_alloc_apoll and APOLL_MAX_RETRY in io_uring/poll.c). The poll is
/// there anyway, to see the host come and go; what it saw is read for less than a parked read does.
extension UringEngine {
    func startWatch(_ index: Int) {
        guard !table[index].isPolling else {
            table[index].owesEdge = true
            return table.queue(index)
        }
        startPoll(index)
    }

    func startPoll(_ index: Int) {
        let entry = unsafe submission()
        let events =
            clinux_epoll_in | clinux_epoll_out | clinux_epoll_rdhup | clinux_epoll_edge_triggered
        unsafe io_uring_prep_poll_multishot(entry, table.number(index), events)
        table[index].isPolling = true
        unsafe stamp(entry, .poll, index)
    }

    func completePoll(
        _ index: Int, _ result: Int32, _ hasMore: Bool, _ deliver: (consuming Completion) -> Void
    ) {
        if !hasMore { table[index].isPolling = false }
        guard !table[index].isClosing else { return }
        let edges = result >= 0 ? Edges(rawValue: UInt32(result)) : .error
        if table[index].kind == .device { noteDevice(index, edges) }
        // The kernel ended the series, as it may when it is short of memory: begin another.
        let isUsed = table[index].reading != nil || table[index].writing != nil
        if result >= 0, !hasMore, isUsed || table[index].isWatched { startPoll(index) }
        guard table[index].isWatched else { return }
        if result >= 0 { noteEdge() }
        deliver(.edge(table.stream(at: index), edges))
    }

    /// Has the device read as soon as something is there.
    func startDeviceRead(_ index: Int) {
        if !table[index].isPolling { startPoll(index) }
        if table[index].mayRead { table.queue(index) }
    }

    /// The poll saw something, or poll(2) did.
    func noteDevice(_ index: Int, _ edges: Edges) {
        let isHungUp = !edges.isDisjoint(with: [.hangUp, .error, .peerClosedWriting])
        if edges.contains(.output) || isHungUp {
            table[index].mayWrite = true
            if table[index].writing != nil { table.queue(index) }
        }
        guard edges.contains(.input) || isHungUp else { return }
        table[index].mayRead = true
        if table[index].reading != nil { table.queue(index) }
    }

    /// - Returns: whether something was delivered.
    func readDevice(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Bool {
        guard table[index].mayRead, let lease = table[index].reading.take() else { return false }
        var got: Int
        repeat {
            noteReadAtOnce()
            // SAFETY: the lease is ours until it is delivered, and as long as the call asks for.
            got = unsafe Glibc.read(table.number(index), lease.address, lease.count)
        } while got < 0 && errno == EINTR
        if got < 0 && errno == EAGAIN {
            table[index].mayRead = false
            table[index].reading = consume lease
            return false
        }
        let transfer = got < 0 ? Transfer.failed(.current) : .bytes(got)
        noteReceive()
        deliver(.read(table.stream(at: index), lease, transfer))
        return true
    }

    /// Tells what holds already to who began to watch a device that is polled for its reads.
    func tellOwedEdge(_ index: Int, _ deliver: (consuming Completion) -> Void) -> Bool {
        guard table[index].owesEdge else { return false }
        table[index].owesEdge = false
        noteEdge()
        deliver(.edge(table.stream(at: index), pollNow(table.number(index))))
        return true
    }
}
