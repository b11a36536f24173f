import Glibc

/// Waits until a descriptor is ready for `events`, or has an error or its end, at most
/// `milliseconds`; below 0 without end. poll(2).
///
/// - Returns: the events that hold, 0 when the time ran out. A signal ends the wait early as well.
public func waitForEvents(of number: Int32, _ events: Int32, milliseconds: Int32) -> Int32 {
    var one = pollfd(fd: number, events: Int16(truncatingIfNeeded: events), revents: 0)
    // SAFETY: one descriptor, described by a local.
    guard unsafe poll(&one, 1, milliseconds) > 0 else { return 0 }
    return Int32(one.revents)
}
