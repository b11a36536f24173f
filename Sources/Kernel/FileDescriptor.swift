import CLinux
import Glibc

/// A file descriptor that is closed when its owner lets go of it, and only then.
public struct FileDescriptor: ~Copyable, Sendable {
    public let number: Int32

    /// Takes over `number`, which nobody else may close from here on.
    public init(owning number: Int32) {
        precondition(number >= 0, "a file descriptor is not negative")
        self.number = number
    }

    deinit { close(number) }

    /// Gives the number away without closing it.
    public consuming func release() -> Int32 {
        let kept = number
        discard self
        return kept
    }
}

/// How a file is opened. Every one of them adds O_CLOEXEC.
public enum OpenMode: Sendable {
    case read
    case readWriteNonBlocking
    case directory

    var flags: Int32 {
        switch self {
        case .read: O_RDONLY | O_CLOEXEC
        case .readWriteNonBlocking: O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        case .directory: O_RDONLY | O_DIRECTORY | O_CLOEXEC
        }
    }
}

extension FileDescriptor {
    /// open(2).
    public static func open(_ path: String, _ mode: OpenMode) throws(Errno) -> FileDescriptor {
        let number = try retrying { Int(unsafe Glibc.open(path, mode.flags)) }
        return FileDescriptor(owning: Int32(number))
    }

    /// What fstat(2) says of it.
    public func status() throws(Errno) -> FileStatus {
        var raw = stat()
        guard unsafe fstat(number, &raw) == 0 else { throw .current }
        return FileStatus(raw)
    }

    /// Sets O_NONBLOCK, without which io_uring would spend a worker thread on each transfer.
    public func setNonBlocking() throws(Errno) {
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0, fcntl(number, F_SETFL, flags | O_NONBLOCK) >= 0 else { throw .current }
    }

    /// read(2) into `bytes`: how many came.
    public func read(into bytes: inout MutableRawSpan) throws(Errno) -> Int {
        let number = number
        let got = unsafe bytes.withUnsafeMutableBytes { buffer -> (Int, Errno) in
            while true {
                let count = unsafe Glibc.read(number, buffer.baseAddress, buffer.count)
                if count >= 0 || errno != EINTR { return (count, .current) }
            }
        }
        guard got.0 >= 0 else { throw got.1 }
        return got.0
    }

    /// write(2) of `bytes`: how many were taken.
    public func write(_ bytes: RawSpan) throws(Errno) -> Int {
        let number = number
        let put = unsafe bytes.withUnsafeBytes { buffer -> (Int, Errno) in
            while true {
                let count = unsafe Glibc.write(number, buffer.baseAddress, buffer.count)
                if count >= 0 || errno != EINTR { return (count, .current) }
            }
        }
        guard put.0 >= 0 else { throw put.1 }
        return put.0
    }

    /// write(2) of a text, whole or failing: for terminals and pipes that may block.
    public static func writeAll(_ text: String, to number: Int32) throws(Errno) {
        var text = text
        let failure = text.withUTF8 { buffer -> Errno? in
            var done = 0
            while done < buffer.count {
                let count = unsafe Glibc.write(
                    number, buffer.baseAddress! + done, buffer.count - done)
                if count >= 0 {
                    done += count
                } else if errno != EINTR {
                    return .current
                }
            }
            return nil
        }
        if let failure { throw failure }
    }
}

/// What stat(2) says of a file, as far as Vireo asks.
public struct FileStatus: Sendable {
    public let isCharacterDevice: Bool
    public let isSocket: Bool
    public let isDirectory: Bool
    public let isRegularFile: Bool
    public let isSymbolicLink: Bool
    /// Permission bits alone, such as 0o660.
    public let permissions: UInt32
    public let owner: UInt32
    public let group: UInt32
    /// Major and minor number of the device that a device node stands for.
    public let deviceMajor: UInt32
    public let deviceMinor: UInt32
    public let sizeBytes: Int64

    init(_ raw: stat) {
        isCharacterDevice = raw.st_mode & S_IFMT == S_IFCHR
        isSocket = raw.st_mode & S_IFMT == S_IFSOCK
        isDirectory = raw.st_mode & S_IFMT == S_IFDIR
        isRegularFile = raw.st_mode & S_IFMT == S_IFREG
        isSymbolicLink = raw.st_mode & S_IFMT == S_IFLNK
        permissions = raw.st_mode & 0o7777
        owner = raw.st_uid
        group = raw.st_gid
        deviceMajor = clinux_major(UInt64(raw.st_rdev))
        deviceMinor = clinux_minor(UInt64(raw.st_rdev))
        sizeBytes = Int64(raw.st_size)
    }

    /// stat(2): links are followed.
    public static func of(_ path: String) throws(Errno) -> FileStatus {
        var raw = stat()
        guard unsafe stat(path, &raw) == 0 else { throw .current }
        return FileStatus(raw)
    }
}
