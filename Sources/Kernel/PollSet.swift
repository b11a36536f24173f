import Glibc

/// Waits for one of a few descriptors, for programs that do one thing. poll(2).
public struct PollSet: Sendable {
    public struct Entry: Sendable {
        public var number: Int32
        public var isReadable = false

        public init(_ number: Int32) { self.number = number }
    }

    public var entries: [Entry]

    public init(_ numbers: [Int32]) { entries = numbers.map { Entry($0) } }

    /// Waits until one can be read, has ended or has failed.
    ///
    /// - Parameter milliseconds: at most; `nil` for ever.
    public mutating func wait(milliseconds: UInt64?) {
        var raw = entries.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
        let limit = milliseconds.map { Int32(clamping: $0) } ?? -1
        let ready = unsafe poll(&raw, nfds_t(raw.count), limit)
        for place in entries.indices {
            entries[place].isReadable = ready > 0 && raw[place].revents != 0
        }
    }
}

extension FileDescriptor {
    /// Waits until something can be written, or the other end is gone.
    public static func waitUntilWritable(_ number: Int32, milliseconds: Int32) -> Bool {
        var raw = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&raw, 1, milliseconds) > 0
    }

    /// read(2) of what is there, at most `bytesMax`; `nil` at the end, empty when there is nothing.
    public static func readSome(_ number: Int32, bytesMax: Int) throws(Errno) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = unsafe Glibc.read(number, &bytes, bytesMax)
        if count > 0 { return Array(bytes[..<count]) }
        if count == 0 { return nil }
        let error = Errno.current
        if error == .again || error == .interrupted { return [] }
        throw error
    }

    /// write(2) of all of `bytes`, waiting for room where the descriptor does not block.
    public static func writeAll(_ bytes: [UInt8], to number: Int32) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(number, buffer.baseAddress! + done, buffer.count - done)
            }
            if count >= 0 {
                done += count
                continue
            }
            let error = Errno.current
            if error == .again {
                _ = waitUntilWritable(number, milliseconds: 1000)
            } else if error != .interrupted {
                throw error
            }
        }
    }
}
