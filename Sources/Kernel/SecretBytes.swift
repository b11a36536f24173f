import CLinux
import Glibc

/// Bytes that nobody may see: kept out of swap and core dumps, wiped when they are let go, and
/// printed as `(secret)` wherever they are printed.
///
/// ```swift
/// let key = SecretBytes.random(count: 32)
/// key.withBytes { span in sign(text, with: span) }
/// ```
///
/// Source: mlock(2), madvise(2): MADV_DONTDUMP, MADV_WIPEONFORK.
@safe public final class SecretBytes: @unchecked Sendable {
    public let count: Int
    /// False where the limit of locked memory forbids it: the bytes may then go to swap.
    public let isLocked: Bool
    /// SAFETY: a mapping of whole pages, of this object alone; written only in init, so that any
    /// thread may read it.
    private let memory: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - count: bytes, at least 1.
    ///   - fill: writes the bytes, which are 0 before.
    /// - Throws: ENOMEM, or what `fill` throws.
    public init(
        count: Int, _ fill: (inout MutableRawSpan) throws(Errno) -> Void
    ) throws(Errno) {
        precondition(count > 0, "a secret has bytes")
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let size = (count + page - 1) / page * page
        let start = unsafe mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else { throw .current }
        unsafe memory = UnsafeMutableRawBufferPointer(start: start, count: size)
        self.count = count
        isLocked = unsafe mlock(start, size) == 0
        _ = unsafe madvise(start, size, MADV_DONTDUMP)
        _ = unsafe madvise(start, size, MADV_WIPEONFORK)
        var span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: count)
        try fill(&span)
    }

    deinit {
        unsafe explicit_bzero(memory.baseAddress!, memory.count)
        unsafe munmap(memory.baseAddress!, memory.count)
    }

    /// Fresh bytes of getrandom(2).
    public static func random(count: Int) throws(Errno) -> SecretBytes {
        precondition(count <= 256, "getrandom is never short for 256 bytes or fewer")
        return try SecretBytes(count: count) { (span) throws(Errno) in
            guard clinux_random(&span) == 0 else { throw .current }
        }
    }

    /// A whole file of 1 to `bytesMax` bytes.
    ///
    /// - Throws: EINVAL when it is empty, EFBIG when it is longer, and what pread(2) says.
    public static func reading(
        _ file: borrowing FileDescriptor, bytesMax: Int
    ) throws(Errno) -> SecretBytes {
        let size = Int(clamping: try file.status().sizeBytes)
        guard size > 0 else { throw .invalid }
        guard size <= bytesMax else { throw .tooLarge }
        let number = file.number
        return try SecretBytes(count: size) { (span) throws(Errno) in
            // SAFETY: the call writes at most that many bytes of the span.
            let got = unsafe span.withUnsafeMutableBytes { buffer in
                unsafe pread(number, buffer.baseAddress!, buffer.count, 0)
            }
            guard got == size else { throw got < 0 ? .current : .invalid }
        }
    }

    /// Lends the bytes.
    public func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // SAFETY: the mapping lives as long as `self`, which the closure does not outlive.
        let span = unsafe RawSpan(
            _unsafeStart: UnsafeRawPointer(memory.baseAddress!), byteCount: count)
        return try body(span)
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(secret)" }
    public var debugDescription: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
