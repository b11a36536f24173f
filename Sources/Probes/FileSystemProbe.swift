import Kernel
import Wire

/// Space and inodes of the mounted file systems. Sources: /proc/self/mounts and statvfs(3).
struct FileSystemProbe: Probe {
    static let name = ProbeName.fileSystems

    private let file: ProbeFile
    /// Whether poll(2) tells of changes: it does for the kernel's own file, not for a test's.
    private let isNotified: Bool
    private var table = MountTable()
    private var hasRead = false
    /// How often the table was read, for the test that it is not read for nothing.
    private(set) var readings = 0

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/self/mounts")
        isNotified = root.proc == "/proc"
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        // Hosts of containers have hundreds of mounts, and the kernel needs 1 us for each.
        if !hasRead || !isNotified || file.hasNews() { try readTable(&reader) }
        let mounts = table.mounts
        context.reportCut(shown: mounts.count, of: mounts.count + table.leftOut, "mounts")
        var all: [FileSystemSample] = []
        all.reserveCapacity(mounts.count)
        for mount in mounts {
            do throws(Errno) {
                let space = try context.machine.space(mount.point)
                // Such as fuse: nothing is known of its size, and df leaves it out too.
                if space.totalBytes > 0 { all.append(row(mount, space)) }
            } catch {
                context.report("\(mount.point): \(error); it is left out")
            }
        }
        sample.fileSystems = all
    }

    private mutating func readTable(_ reader: inout FileReader) throws(ProbeFailure) {
        hasRead = false
        let bytes = try file.read(&reader)
        do throws(Malformed) {
            table = try MountTable(bytes)
        } catch {
            throw ProbeFailure(file.path, error)
        }
        hasRead = true
        readings += 1
    }

    private func row(_ mount: Mount, _ space: FileSystemSpace) -> FileSystemSample {
        var row = FileSystemSample()
        row.mountPoint = mount.point
        row.device = mount.device
        row.type = mount.type
        row.totalBytes = space.totalBytes
        row.usedBytes = increase(space.totalBytes, since: space.freeBytes)
        row.availableBytes = space.availableBytes
        row.inodes = space.inodes
        row.inodesUsed = increase(space.inodes, since: space.inodesFree)
        return row
    }
}
