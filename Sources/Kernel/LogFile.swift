import CLinux
import Glibc

/// A file that only grows, for rows that must be safe before somebody is told so.
public struct LogFile: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// Bytes that were appended whole.
    public private(set) var sizeBytes: UInt64

    /// Opens the file, which is made with mode 0600 if it is missing. A link is not followed.
    ///
    /// - Throws: what open(2) says.
    public init(_ path: String) throws(Errno) {
        clinux_ignore_sigxfsz()
        let flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC
        let number = try retrying { Int(unsafe Glibc.open(path, flags, 0o600)) }
        let descriptor = FileDescriptor(owning: Int32(number))
        sizeBytes = UInt64(max(0, try descriptor.status().sizeBytes))
        self.descriptor = descriptor
    }

    /// Appends all of `bytes`, or nothing: what was written of them before a failure is cut off.
    ///
    /// - Throws: what write(2) says, ENOSPC above all.
    public mutating func append(_ bytes: RawSpan) throws(Errno) {
        var done = 0
        while done < bytes.byteCount {
            do {
                done += try descriptor.write(bytes.extracting(droppingFirst: done))
            } catch {
                _ = ftruncate(descriptor.number, off_t(sizeBytes))
                throw error
            }
        }
        sizeBytes += UInt64(done)
    }

    /// Waits until everything appended is on the medium. fdatasync(2).
    public func sync() throws(Errno) {
        _ = try retrying { Int(fdatasync(descriptor.number)) }
    }

    /// Cuts off what stands behind the first `bytes`.
    public mutating func truncate(to bytes: UInt64) throws(Errno) {
        _ = try retrying { Int(ftruncate(descriptor.number, off_t(bytes))) }
        sizeBytes = bytes
    }
}

extension Folders {
    /// Waits until the names in a folder are on the medium: a file that was just made is not safe
    /// before. fsync(2).
    public static func sync(_ path: String) throws(Errno) {
        let folder = try FileDescriptor.open(path, .directory)
        _ = try retrying { Int(fsync(folder.number)) }
    }

    /// Takes a folder for this process alone, for as long as what is returned lives. flock(2).
    ///
    /// - Throws: EAGAIN when another process has it.
    public static func lock(_ path: String) throws(Errno) -> FileDescriptor {
        let folder = try FileDescriptor.open(path, .directory)
        _ = try retrying { Int(flock(folder.number, LOCK_EX | LOCK_NB)) }
        return folder
    }

    /// Removes a folder of ours that holds only files and such folders.
    public static func removeTree(_ path: String) {
        for name in (try? directoryNames(path)) ?? [] {
            let entry = "\(path)/\(name)"
            if unsafe Glibc.unlink(entry) != 0 { removeTree(entry) }
        }
        _ = unsafe rmdir(path)
    }
}
