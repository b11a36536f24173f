import CLinux

/// A Unix stream socket that is connected. Source: unix(7).
public enum UnixSocket {
    /// Two sockets that are connected to each other; neither blocks. socketpair(2).
    public static func pair() throws(Errno) -> SocketPair {
        var ends: [Int32] = [-1, -1]
        // SAFETY: two numbers are written into an array of two.
        let result = unsafe ends.withUnsafeMutableBufferPointer { buffer in
            unsafe clinux_socketpair(buffer.baseAddress)
        }
        guard result == 0 else { throw .current }
        return SocketPair(
            near: FileDescriptor(owning: ends[0]), far: FileDescriptor(owning: ends[1]))
    }

    /// Connects to whoever listens on `path`; the descriptor does not block.
    ///
    /// - Throws: ENOENT and ECONNREFUSED when nobody does, ENAMETOOLONG for a path over 107 bytes,
    ///   EAGAIN when too many wait already.
    public static func connect(_ path: String) throws(Errno) -> FileDescriptor {
        // SAFETY: the path is a string of our own for the time of the call.
        let number = unsafe clinux_unix_connect(path)
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }
}

/// Both ends of a connection.
public struct SocketPair: ~Copyable, Sendable {
    public let near: FileDescriptor
    public let far: FileDescriptor

    /// Takes the near end out; the far one is closed here.
    public consuming func takeNear() -> FileDescriptor { near }
}
