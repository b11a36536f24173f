import CLinux

/// A Unix stream socket that is connected. Source: unix(7).
public enum UnixSocket {
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
