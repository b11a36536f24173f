import CLinux
import Glibc

/// How a file below a directory is opened.
public enum BeneathMode: Hashable, Sendable {
    case read
    /// Made when it is missing, with these permission bits; kept as it is otherwise.
    case write(permissions: UInt32)
    /// Made, and refused with EEXIST when it is there.
    case create(permissions: UInt32)
    case directory

    var flags: Int32 {
        // Without O_NONBLOCK, opening a FIFO would wait for somebody at its other end.
        let always = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW
        return switch self {
        case .read: O_RDONLY | always
        case .write: O_RDWR | O_CREAT | always
        case .create: O_RDWR | O_CREAT | O_EXCL | always
        case .directory: O_RDONLY | O_DIRECTORY | always
        }
    }

    var permissions: UInt32 {
        switch self {
        case .read, .directory: 0
        case .write(let permissions), .create(let permissions): permissions
        }
    }
}

extension FileDescriptor {
    /// Makes a file that was not there, and opens it for writing.
    ///
    /// - Throws: EEXIST when something is there, and what open(2) says.
    public static func createNew(
        _ path: String, permissions: UInt32
    ) throws(Errno) -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        // SAFETY: the path is a string of ours for the time of the call.
        let number = try retrying { Int(unsafe Glibc.open(path, flags, permissions)) }
        return FileDescriptor(owning: Int32(number))
    }

    /// Opens `relativePath` below `directory`: no `..`, no symbolic link and no mount of another
    /// name leads out of it, whatever happens to the tree meanwhile. Anything but a regular file
    /// is refused (a directory in the mode of that name).
    ///
    /// - Throws: EXDEV when the path leads out, ELOOP for a symbolic link, EINVAL for an empty or
    ///   absolute path or what is no regular file, ENOSYS before Linux 5.6, and what open(2) says.
    ///
    /// Source: openat2(2).
    public static func openBeneath(
        _ directory: borrowing FileDescriptor, _ relativePath: String, _ mode: BeneathMode
    ) throws(Errno) -> FileDescriptor {
        guard !relativePath.isEmpty, !relativePath.hasPrefix("/"),
            !relativePath.unicodeScalars.contains("\0")
        else { throw .invalid }
        let folder = directory.number
        // SAFETY: the path is a string of ours for the time of the call.
        let number = try retrying {
            Int(
                unsafe clinux_open_beneath(
                    folder, relativePath, mode.flags, mode.permissions))
        }
        let file = FileDescriptor(owning: Int32(number))
        let status = try file.status()
        let isRight = mode == .directory ? status.isDirectory : status.isRegularFile
        guard isRight else { throw .invalid }
        return file
    }
}
