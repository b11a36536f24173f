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

extension FileDescriptor {
    /// Whether something can be read, or its end, within `milliseconds`; below 0 it waits on.
    public borrowing func waitUntilReadable(milliseconds: Int32) -> Bool {
        waitForEvents(of: number, POLLIN, milliseconds: milliseconds) != 0
    }
}

extension FileDescriptor {
    /// What can be read at once, at most `bytesMax` bytes; empty at the end. read(2).
    ///
    /// - Throws: EAGAIN when nothing is there yet and the descriptor does not block.
    public borrowing func readBytes(_ bytesMax: Int) throws(Errno) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: bytesMax)
        let number = number
        let count = try retrying {
            unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
            }
        }
        return Array(chunk[..<count])
    }
}
