import Kernel
import Wire

/// I/O of whole disks. Source: Documentation/admin-guide/iostats.rst, /proc/diskstats.
struct DiskProbe: Probe {
    static let name = ProbeName.disks

    /// One line of the table: the kernel keeps their order, so that a name is looked up once.
    private struct Row {
        var name: String
        var isReported: Bool
        var sample = DiskSample()
        var takenAt: MonotonicTime?
    }

    private let file: ProbeFile
    private let directory: String
    private var rows: [Row] = []

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/diskstats")
        directory = root.sys + "/block"
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            try parse(&lines, &context)
        } catch {
            // Half of the rows may hold what the broken file said: no rate may come of that.
            rows.removeAll()
            throw ProbeFailure(file.path, error)
        }
        let disks = rows.lazy.filter(\.isReported).map(\.sample)
        sample.disks = Array(disks.prefix(ProbeLimits.disksMax))
        if rows.count > ProbeLimits.disksMax {
            context.reportCut(shown: sample.disks.count, of: disks.count, "disks")
        }
        if sample.disks.isEmpty { try requireDirectory() }
    }

    /// Without sysfs no whole disk can be told from a partition, and that is a failure.
    private mutating func requireDirectory() throws(ProbeFailure) {
        do throws(Errno) {
            _ = try FileStatus.of(directory)
        } catch {
            rows.removeAll()
            throw ProbeFailure(directory, error)
        }
    }

    private mutating func parse(
        _ lines: inout Fields, _ context: inout ProbeContext
    ) throws(Malformed) {
        var count = 0
        while var line = try lines.nextLine() {
            count += 1
            guard count <= ProbeLimits.diskLinesMax else { continue }
            try line.skip(2)
            let index = count - 1
            try place(try line.field(), at: index)
            if rows[index].isReported { try take(&line, into: index, at: context.now) }
        }
        let read = min(count, ProbeLimits.diskLinesMax)
        context.reportCut(shown: read, of: count, "block devices")
        rows.removeSubrange(read...)
    }

    private mutating func take(
        _ line: inout Fields, into index: Int, at now: MonotonicTime
    ) throws(Malformed) {
        let counters = try counters(&line, name: rows[index].name)
        let seconds = rows[index].takenAt.map { now.seconds(since: $0) } ?? 0
        rows[index].sample = withRates(counters, since: rows[index].sample, seconds: seconds)
        rows[index].takenAt = now
    }

    /// Makes `rows[index]` the row of `name`, with what is known of it.
    private mutating func place(_ name: borrowing Fields, at index: Int) throws(Malformed) {
        if index < rows.count, name.equals(rows[index].name) { return }
        let text = name.text
        if let other = rows.indices.first(where: { $0 > index && rows[$0].name == text }) {
            rows.swapAt(index, other)
            return
        }
        guard text != ".", text != "..", !text.utf8.contains(0) else {
            throw name.malformed("a name of a disk")
        }
        rows.insert(Row(name: text, isReported: isWholeDisk(text)), at: index)
    }

    /// Only whole devices have a directory of their own in /sys/block; there a `/` is written `!`.
    private func isWholeDisk(_ name: String) -> Bool {
        for prefix in ["loop", "ram", "zram", "sr", "fd"] where name.hasPrefix(prefix) {
            return false
        }
        let entry = name.utf8.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: "!") : $0 }
        let path = directory + "/" + String(decoding: entry, as: UTF8.self)
        return (try? FileStatus.of(path)) != nil
    }

    /// The eleven counters that every kernel has; discards and flushes follow them.
    private func counters(_ line: inout Fields, name: String) throws(Malformed) -> DiskSample {
        var disk = DiskSample()
        disk.name = name
        disk.readOperations = try line.unsigned()
        try line.skip(1)
        disk.readBytes = multiplied(try line.unsigned(), by: 512)
        disk.readMilliseconds = try line.unsigned()
        disk.writeOperations = try line.unsigned()
        try line.skip(1)
        disk.writeBytes = multiplied(try line.unsigned(), by: 512)
        disk.writeMilliseconds = try line.unsigned()
        try line.skip(1)
        disk.busyMilliseconds = try line.unsigned()
        return disk
    }

    private func withRates(
        _ counters: DiskSample, since before: DiskSample, seconds: Double
    ) -> DiskSample {
        guard seconds > 0 else { return counters }
        var disk = counters
        disk.readBytesPerSecond = perSecond(
            disk.readBytes, since: before.readBytes, seconds: seconds)
        disk.writeBytesPerSecond = perSecond(
            disk.writeBytes, since: before.writeBytes, seconds: seconds)
        disk.readOperationsPerSecond = perSecond(
            disk.readOperations, since: before.readOperations, seconds: seconds)
        disk.writeOperationsPerSecond = perSecond(
            disk.writeOperations, since: before.writeOperations, seconds: seconds)
        disk.readLatencyMilliseconds = mean(
            increase(disk.readMilliseconds, since: before.readMilliseconds),
            over: increase(disk.readOperations, since: before.readOperations))
        disk.writeLatencyMilliseconds = mean(
            increase(disk.writeMilliseconds, since: before.writeMilliseconds),
            over: increase(disk.writeOperations, since: before.writeOperations))
        let busy = increase(disk.busyMilliseconds, since: before.busyMilliseconds)
        disk.utilizationPercent = percent(Double(busy), of: seconds * 1000)
        return disk
    }

    private func mean(_ sum: UInt64, over count: UInt64) -> Double {
        count > 0 ? Double(sum) / Double(count) : 0
    }
}
