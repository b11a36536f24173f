import CLinux
import Glibc
package import Kernel

/// What the probes ask of the machine besides files below ``ProbeRoot``, so that a test can answer
/// in its place.
package struct Machine {
    package var now: () -> MonotonicTime
    package var wallMilliseconds: () -> Int64
    package var threadCPUNanoseconds: () -> UInt64
    package var processCPUNanoseconds: () -> UInt64
    /// statvfs(3) of a mount point.
    package var space: (String) throws(Errno) -> FileSystemSpace
    package var addresses: () throws(Errno) -> [InterfaceAddress]
    package var name: () -> MachineName
    /// Ticks a second in which the kernel counts CPU time towards user space.
    package var ticksPerSecond: UInt64
    package var pageKiB: UInt64

    /// This machine.
    package static var live: Machine {
        Machine(
            now: { MonotonicTime.now },
            wallMilliseconds: { WallTime.now.millisecondsSince1970 },
            threadCPUNanoseconds: { clinux_thread_cpu_nanoseconds() },
            processCPUNanoseconds: { clinux_process_cpu_nanoseconds() },
            space: { path throws(Errno) in FileSystemSpace(try FileSystemStatus.of(path)) },
            addresses: { () throws(Errno) in try interfaceAddresses() },
            name: { MachineName(SystemName.current) },
            ticksPerSecond: UInt64(clamping: max(1, sysconf(Int32(_SC_CLK_TCK)))),
            pageKiB: UInt64(clamping: max(1, sysconf(Int32(_SC_PAGESIZE)) / 1024)))
    }
}

/// Space and inodes of a file system. Source: statvfs(3).
package struct FileSystemSpace: Sendable {
    package var totalBytes: UInt64
    package var freeBytes: UInt64
    /// What an unprivileged user may still take.
    package var availableBytes: UInt64
    package var inodes: UInt64
    package var inodesFree: UInt64

    package init(
        totalBytes: UInt64, freeBytes: UInt64, availableBytes: UInt64, inodes: UInt64,
        inodesFree: UInt64
    ) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.availableBytes = availableBytes
        self.inodes = inodes
        self.inodesFree = inodesFree
    }

    /// A file system in user space may claim anything, so products stop at the largest number.
    init(_ status: FileSystemStatus) {
        self.init(
            totalBytes: multiplied(status.blocks, by: status.blockBytes),
            freeBytes: multiplied(status.blocksFree, by: status.blockBytes),
            availableBytes: multiplied(status.blocksAvailable, by: status.blockBytes),
            inodes: status.inodes, inodesFree: status.inodesFree)
    }
}

/// What uname(2) says.
package struct MachineName: Sendable {
    package var hostname: String
    package var kernelRelease: String
    package var architecture: String

    package init(hostname: String, kernelRelease: String, architecture: String) {
        self.hostname = hostname
        self.kernelRelease = kernelRelease
        self.architecture = architecture
    }

    init(_ name: SystemName) {
        self.init(
            hostname: name.hostname, kernelRelease: name.kernelRelease, architecture: name.machine)
    }
}
