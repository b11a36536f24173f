import Glibc
import Kernel
import Slabs

/// Writes without waiting, by write(2), until all is taken or there is no room for more.
///
/// - Parameters:
///   - number: a descriptor that does not block.
///   - lease: what to write.
///   - kind: of a device in pieces that its driver takes whole, of a socket in one call.
///   - counters: of the engine, where the calls are counted.
/// - Returns: `nil` when nothing was taken for want of room, which is worth waiting for.
func writeNow(
    _ number: Int32, _ lease: borrowing SlabLease, _ kind: StreamKind,
    _ counters: inout IOEngine.Counters
) -> Transfer? {
    let pieceBytesMax = kind == .device ? EngineLimits.requestBytesMax : lease.count
    var taken = 0
    var looks = 0
    while taken < lease.count {
        let length = min(pieceBytesMax, lease.count - taken)
        counters.otherCalls += 1
        // SAFETY: taken + length <= lease.count, and the lease stays where it is meanwhile.
        let put = unsafe Glibc.write(number, lease.address + taken, length)
        if put >= 0 {
            taken += put
            if put < length { break }
            continue
        }
        let failure = Errno.current
        if failure == .interrupted { continue }
        guard taken == 0 else { break }
        guard failure == .again else { return .failed(failure) }
        let now = pollNow(number)
        // Without a host a virtio port says EAGAIN too, but then there is nothing to wait for.
        if now.contains(.hangUp) { return .failed(failure) }
        // With room by now there may be nothing to wait for either: see IOEngine.tryWriteAgain(_:).
        guard now.contains(.output), looks < EngineLimits.looksMax else { return nil }
        looks += 1
        counters.writesAgain += 1
    }
    return .bytes(taken)
}
