import CLiburing
import Kernel
import Slabs

/// Writes: without the ring as long as there is room, for the other side wakes at once and the wait
/// that follows is for its answer alone.
///
/// Without room a socket's write waits in the ring. A device's waits for the ring's poll, which is
/// there anyway and says when the device has taken something; writes in the ring, linked or not,
/// would be tried at each such moment and have the poll tell of each as well.
extension UringEngine {
    func startWrite(_ index: Int) {
        if writeAtOnce(index) { return table.queue(index) }
        if table[index].kind == .device { return waitForRoom(index) }
        let entry = unsafe submission()
        let number = table.number(index)
        let (address, count, buffer) = unsafe location(writing: index)
        if let buffer, usesRegisteredBuffers {
            noteFixedRequest()
            unsafe io_uring_prep_write_fixed(
                entry, number, address, UInt32(count), .max, Int32(buffer))
        } else {
            unsafe io_uring_prep_write(entry, number, address, UInt32(count), .max)
        }
        unsafe stamp(entry, .write, index)
    }

    /// - Returns: whether that ended the request, which is then told in the next turn.
    private func writeAtOnce(_ index: Int) -> Bool {
        guard let lease = table[index].writing.take() else {
            preconditionFailure("a write without a lease")
        }
        let transfer = writeAtOnce(table.number(index), lease, table[index].kind)
        table[index].finishedWrite = transfer
        table[index].writing = consume lease
        return transfer != nil
    }

    private func waitForRoom(_ index: Int) {
        table[index].mayWrite = false
        if !table[index].isPolling { startPoll(index) }
    }

    /// Goes on with a write that waited for room in a device.
    func writeAgain(_ index: Int) {
        let isWaiting = table[index].writing != nil && table[index].finishedWrite == nil
        guard table[index].kind == .device, isWaiting, table[index].mayWrite else { return }
        if !writeAtOnce(index) { waitForRoom(index) }
    }

    /// - Returns: whether something was delivered.
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

    /// A write in the ring ended.
    func completeWrite(
        _ index: Int, _ result: Int32, _ deliver: (consuming Completion) -> Void
    ) {
        if wasNotParked(index, result) { return startWrite(index) }
        guard let lease = table[index].writing.take() else {
            preconditionFailure("a write ended twice")
        }
        noteWrite()
        let transfer =
            result < 0 ? Transfer.failed(Errno(rawValue: -result)) : .bytes(Int(result))
        deliver(.written(table.stream(at: index), lease, transfer))
    }
}
