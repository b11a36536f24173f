import CLinux
import Glibc
public import Kernel

/// One memfd mapped twice, back to back.
///
/// The pages exist once. They are shared memory, so that they count as RssShmem when touched;
/// populated, they are there from the start, and memory does not grow while a ring is used for the
/// first time.
@safe
struct MirroredMemory: ~Copyable {
    /// SAFETY: both mappings, 2 x `capacityBytes` from `base`, live until deinit; nothing outside
    /// of this module sees the pointer but through spans that borrow a ring, and through leases.
    let base: UnsafeMutableRawPointer
    let capacityBytes: Int

    init(slabCount: Int, isPopulated: Bool) throws(SlabError) {
        precondition((1...SlabLimits.slabsMax).contains(slabCount), "1 to 1024 slabs")
        capacityBytes = slabCount * SlabLimits.slabBytes
        unsafe base = try MirroredMemory.map(capacityBytes, isPopulated: isPopulated)
    }

    deinit { unsafe munmap(base, 2 * capacityBytes) }

    private static func map(
        _ bytes: Int, isPopulated: Bool
    ) throws(SlabError) -> UnsafeMutableRawPointer {
        let number = unsafe clinux_memfd("vireo-slabs")
        guard number >= 0 else { throw SlabError(.memfd, .current, bytes: bytes) }
        let file = FileDescriptor(owning: number)
        guard ftruncate(file.number, off_t(bytes)) == 0 else {
            throw SlabError(.truncate, .current, bytes: bytes)
        }
        // Reserve the whole range first, so that the two halves cannot land on somebody else's.
        let reserved = unsafe mmap(nil, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard unsafe reserved != MAP_FAILED, let start = unsafe reserved else {
            throw SlabError(.reserve, .current, bytes: bytes)
        }
        for half in 0..<2 {
            // The pages are the same: mapping them twice from the start would count them twice.
            let populate = isPopulated && half == 0 ? MAP_POPULATE : 0
            let flags = MAP_SHARED | MAP_FIXED | populate
            let placed = unsafe mmap(
                start + half * bytes, bytes, PROT_READ | PROT_WRITE, flags, file.number, 0)
            guard unsafe placed != MAP_FAILED else {
                let error = Errno.current
                unsafe munmap(start, 2 * bytes)
                throw SlabError(.map, error, bytes: bytes)
            }
        }
        return unsafe start
    }

    /// Offset of an ever-growing position within the first mapping.
    func offset(of position: UInt64) -> Int {
        Int(position % UInt64(capacityBytes))
    }
}

/// Why a ring of slabs could not be made.
public struct SlabError: Error, CustomStringConvertible, Sendable {
    public enum Operation: String, Sendable {
        case memfd = "memfd_create"
        case truncate = "ftruncate"
        case reserve = "mmap of the address range"
        case map = "mmap of the slabs"
    }

    public let operation: Operation
    public let errno: Errno
    /// Bytes that were asked for.
    public let bytes: Int

    init(_ operation: Operation, _ errno: Errno, bytes: Int) {
        self.operation = operation
        self.errno = errno
        self.bytes = bytes
    }

    public var description: String {
        """
        \(operation.rawValue) of \(bytes) bytes for slabs failed: \(errno). Free memory or raise \
        the unit's MemoryMax, or use fewer slabs.
        """
    }
}
