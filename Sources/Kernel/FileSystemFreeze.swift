import CLinux

/// Stops and resumes the writes of a whole file system. Source: ioctl_fs(2), FIFREEZE.
extension FileDescriptor {
    /// Flushes the file system that this descriptor lies on, and stops writes to it.
    ///
    /// It may take as long as the flush, and cannot be interrupted.
    ///
    /// - Throws: EBUSY when it is frozen already, EOPNOTSUPP when it cannot be frozen.
    public func freezeFileSystem() throws(Errno) {
        guard clinux_freeze(number) == 0 else { throw .current }
    }

    /// - Throws: EINVAL when it is not frozen.
    public func thawFileSystem() throws(Errno) {
        guard clinux_thaw(number) == 0 else { throw .current }
    }
}

/// The memory of this process.
public enum OwnMemory {
    /// Locks it, or at least touches each page once; whether it is locked. Source: mlockall(2).
    @discardableResult public static func keep() -> Bool { clinux_keep_in_memory() == 0 }
}
