import CLinux
import Glibc

/// Tells when a name appears in a directory or changes its mode. Source: inotify(7).
public enum DirectoryEvents {
    /// A non-blocking descriptor that is readable when something happened.
    public static func descriptor() throws(Errno) -> FileDescriptor {
        let number = clinux_inotify()
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// Watches one more directory.
    ///
    /// - Returns: whether it is there and may be watched.
    @discardableResult
    public static func watch(_ directory: String, with number: Int32) -> Bool {
        // SAFETY: the path is a string of our own for the time of the call.
        unsafe clinux_inotify_watch(number, directory) >= 0
    }

    /// Reads all events that are there.
    public static func drain(_ number: Int32) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            // SAFETY: at most the buffer's size is read, and nothing of it is used.
            while unsafe read(number, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
