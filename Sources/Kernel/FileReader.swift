import Glibc

/// Reads small files whole, such as those of /proc, into one buffer that it keeps.
///
/// ```swift
/// var reader = FileReader()
/// let bytes = try reader.read("/proc/loadavg")   // valid until the next read
/// ```
@safe public struct FileReader: ~Copyable {
    /// A file longer than this is refused with EFBIG.
    public let bytesMax: Int
    /// SAFETY: allocated in init, freed in deinit, replaced only by `grow`, and every span of it
    /// that leaves this type borrows the reader exclusively.
    private var buffer: UnsafeMutableRawBufferPointer

    /// - Parameter bytesMax: the longest file that is read, in bytes; the buffer starts at 16 KiB
    ///   and grows up to it.
    public init(bytesMax: Int = 8 << 20) {
        precondition(bytesMax > 0)
        self.bytesMax = bytesMax
        unsafe buffer = .allocate(byteCount: min(bytesMax, 16_384), alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }

    private mutating func grow() {
        let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(buffer.count * 2, bytesMax), alignment: 16)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
        unsafe buffer.deallocate()
        unsafe buffer = larger
    }

    /// The whole file at `path`, borrowed from the buffer: valid until the next call.
    ///
    /// - Throws: what open(2) or read(2) say; EFBIG when the file is longer than ``bytesMax``.
    @_lifetime(&self)
    public mutating func read(_ path: String) throws(Errno) -> RawSpan {
        let descriptor = try FileDescriptor.open(path, .read)
        return try read(descriptor)
    }

    /// The same from an open file, from its start: what is asked for often is kept open.
    @_lifetime(&self)
    public mutating func read(_ descriptor: borrowing FileDescriptor) throws(Errno) -> RawSpan {
        var count = 0
        while true {
            if unsafe count == buffer.count {
                guard count < bytesMax else { throw .tooLarge }
                grow()
            }
            let got = unsafe pread(
                descriptor.number, buffer.baseAddress! + count, buffer.count - count, off_t(count))
            if got < 0 {
                let error = Errno.current
                if error == .interrupted { continue }
                throw error
            }
            if got == 0 { break }
            count += got
        }
        let bytes = unsafe RawSpan(_unsafeStart: buffer.baseAddress!, byteCount: count)
        return unsafe _overrideLifetime(bytes, mutating: &self)
    }
}

/// The names in a directory, without `.` and `..`, in no order.
///
/// - Throws: what opendir(3) says.
public func directoryNames(_ path: String) throws(Errno) -> [String] {
    guard let directory = unsafe opendir(path) else { throw .current }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
            unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { characters in
                unsafe String(cString: characters)
            }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// Where a symbolic link points, or `nil` when that cannot be read.
public func linkTarget(_ path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer -> String? in
        let count = unsafe readlink(
            path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
        guard count >= 0 else { return nil }
        return unsafe String(
            decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
    }
}

/// Space and inodes of a file system. Source: statvfs(3).
public struct FileSystemStatus: Sendable {
    public let blockBytes: UInt64
    public let blocks: UInt64
    public let blocksFree: UInt64
    /// Blocks that an unprivileged user may still take.
    public let blocksAvailable: UInt64
    public let inodes: UInt64
    public let inodesFree: UInt64

    public static func of(_ path: String) throws(Errno) -> FileSystemStatus {
        var raw = statvfs()
        guard unsafe statvfs(path, &raw) == 0 else { throw .current }
        return FileSystemStatus(
            blockBytes: UInt64(raw.f_frsize), blocks: UInt64(raw.f_blocks),
            blocksFree: UInt64(raw.f_bfree), blocksAvailable: UInt64(raw.f_bavail),
            inodes: UInt64(raw.f_files), inodesFree: UInt64(raw.f_ffree))
    }
}

/// What uname(2) says.
public struct SystemName: Sendable {
    public let kernelRelease: String
    public let hostname: String
    public let machine: String

    public static var current: SystemName {
        var raw = utsname()
        unsafe uname(&raw)
        func text<Field>(_ field: inout Field) -> String {
            unsafe withUnsafeBytes(of: &field) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        return SystemName(
            kernelRelease: text(&raw.release), hostname: text(&raw.nodename),
            machine: text(&raw.machine))
    }
}
