import Glibc

/// Bytes through a connected socket, into and out of arrays: for programs that serve one peer and
/// have no engine. recv(2), send(2), poll(2).
public enum SocketTransfer {
    /// What a descriptor is waited for.
    public struct Interest: Sendable {
        public var number: Int32
        public var reads: Bool
        public var writes: Bool

        public init(_ number: Int32, reads: Bool = true, writes: Bool = false) {
            self.number = number
            self.reads = reads
            self.writes = writes
        }
    }

    /// Which of the two a descriptor is ready for; its end and its errors count as both.
    public struct Readiness: Equatable, Sendable {
        public var reads: Bool
        public var writes: Bool

        public init(reads: Bool = false, writes: Bool = false) {
            self.reads = reads
            self.writes = writes
        }
    }

    /// Waits until one of the descriptors is ready, at most `milliseconds`. A signal ends the wait
    /// as well.
    ///
    /// - Returns: one entry for each interest.
    public static func wait(
        for interests: [Interest], milliseconds: UInt64
    ) -> [Readiness] {
        var entries = interests.map { interest in
            let events = (interest.reads ? POLLIN : 0) | (interest.writes ? POLLOUT : 0)
            return pollfd(fd: interest.number, events: Int16(events), revents: 0)
        }
        let time = Int32(clamping: milliseconds)
        // SAFETY: the array lives for the call, and its own count goes with it.
        let ready = unsafe entries.withUnsafeMutableBufferPointer { buffer in
            unsafe poll(buffer.baseAddress, nfds_t(buffer.count), time)
        }
        guard ready > 0 else { return interests.map { _ in Readiness() } }
        return zip(entries, interests).map { entry, interest in
            let has = Int32(entry.revents)
            let ended = has & (POLLHUP | POLLERR | POLLNVAL) != 0
            return Readiness(
                reads: interest.reads && (has & POLLIN != 0 || ended),
                writes: interest.writes && (has & POLLOUT != 0 || ended))
        }
    }

    /// Appends what has come, at most `bytesMax`.
    ///
    /// - Returns: how many bytes came; 0 at the end of the stream.
    /// - Throws: EAGAIN when nothing has come.
    public static func receive(
        from socket: borrowing FileDescriptor, appendingTo bytes: inout [UInt8], bytesMax: Int
    ) throws(Errno) -> Int {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: bytesMax))
        let number = socket.number
        // SAFETY: the last `bytesMax` bytes of the array were appended above.
        let got = unsafe bytes.withUnsafeMutableBytes { buffer -> (Int, Errno) in
            while true {
                let room = unsafe buffer.baseAddress! + start
                let count = unsafe recv(number, room, bytesMax, Int32(MSG_DONTWAIT))
                if count >= 0 || errno != EINTR { return (count, .current) }
            }
        }
        bytes.removeLast(bytesMax - max(0, got.0))
        guard got.0 >= 0 else { throw got.1 }
        return got.0
    }

    /// Sends what fits now; a peer that has gone is EPIPE and no signal.
    ///
    /// - Throws: EAGAIN when nothing fits.
    public static func send(
        _ bytes: RawSpan, to socket: borrowing FileDescriptor
    ) throws(Errno) -> Int {
        let number = socket.number
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        // SAFETY: the buffer does not outlive the closure.
        let put = unsafe bytes.withUnsafeBytes { buffer -> (Int, Errno) in
            while true {
                let count = unsafe Glibc.send(number, buffer.baseAddress, buffer.count, flags)
                if count >= 0 || errno != EINTR { return (count, .current) }
            }
        }
        guard put.0 >= 0 else { throw put.1 }
        return put.0
    }
}

extension FileDescriptor {
    /// Everything from here to the end of a file or a pipe, with U+FFFD where it is not UTF-8.
    /// read(2), which may block.
    ///
    /// - Throws: EFBIG when it is longer than `bytesMax`.
    public func readText(bytesMax: Int) throws(Errno) -> String {
        var bytes: [UInt8] = []
        while true {
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count: Int
            do {
                var span = chunk.mutableSpan
                // SAFETY: bytes have no invalid values.
                var room = unsafe span.mutableBytes
                count = try read(into: &room)
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw .tooLarge }
        }
    }
}
