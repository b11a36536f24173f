import Kernel
import Wire

/// Memory and swap. Source: proc(5), /proc/meminfo.
struct MemoryProbe: Probe {
    static let name = ProbeName.memory

    private let file: ProbeFile

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/meminfo")
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            sample.memory = try parse(&lines)
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }

    private func parse(_ lines: inout Fields) throws(Malformed) -> MemorySample {
        var total: UInt64?
        var free: UInt64?
        var available: UInt64?
        var buffers: UInt64?
        var cached: UInt64?
        var swapTotal: UInt64?
        var swapFree: UInt64?
        while var line = try lines.nextLine() {
            if line.consume("MemTotal:") {
                total = try kibibytes(&line)
            } else if line.consume("MemFree:") {
                free = try kibibytes(&line)
            } else if line.consume("MemAvailable:") {
                available = try kibibytes(&line)
            } else if line.consume("Buffers:") {
                buffers = try kibibytes(&line)
            } else if line.consume("Cached:") {
                cached = try kibibytes(&line)
            } else if line.consume("SwapTotal:") {
                swapTotal = try kibibytes(&line)
            } else if line.consume("SwapFree:") {
                swapFree = try kibibytes(&line)
            }
        }
        guard let total, let free, let available, let buffers, let cached, let swapTotal,
            let swapFree
        else { throw lines.malformed("one of MemTotal, MemFree, ... SwapFree before it") }
        var memory = MemorySample()
        memory.totalKiB = total
        memory.freeKiB = free
        memory.availableKiB = available
        memory.usedKiB = increase(total, since: available)
        memory.buffersKiB = buffers
        memory.cachedKiB = cached
        memory.swapTotalKiB = swapTotal
        memory.swapUsedKiB = increase(swapTotal, since: swapFree)
        return memory
    }

    private func kibibytes(_ line: inout Fields) throws(Malformed) -> UInt64 {
        let value = try line.unsigned()
        guard try line.field().equals("kB") else { throw line.malformed("kB") }
        return value
    }
}
