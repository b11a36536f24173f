import Glibc
import Kernel
import Slabs

/// Writes that need no ring as long as there is room: to sockets, and one request to a device.
extension UringEngine {
    /// Writes without the ring: there nearly always is room, the peer wakes at once, and the wait
    /// that follows is for its answer alone.
    ///
    /// - Returns: whether that ended the request; without room it is the ring's.
    func writeAtOnce(_ index: Int) -> Bool {
        let (address, count, _) = unsafe location(writing: index)
        // SAFETY: the lease stays in the slot until the completion is told.
        let put = unsafe Glibc.write(table.number(index), address, count)
        let failure = put < 0 ? Errno.current : nil
        noteWriteAtOnce()
        if failure == .again || failure == .interrupted { return false }
        table[index].finishedWrite = failure.map { .failed($0) } ?? .bytes(put)
        table.queue(index)
        return true
    }

    func tellFinishedWrite(
        _ index: Int, _ deliver: (consuming Completion) -> Void
    ) -> Bool {
        guard let transfer = table[index].finishedWrite.take(),
            let lease = table[index].writing.take()
        else { return false }
        noteWrite()
        deliver(.written(table.stream(at: index), lease, transfer))
        return true
    }
}
