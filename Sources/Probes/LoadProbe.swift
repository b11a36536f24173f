import Kernel
import Wire

/// Load averages. Source: proc(5), /proc/loadavg.
struct LoadProbe: Probe {
    static let name = ProbeName.load

    private let file: ProbeFile

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/loadavg")
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            var line = try lines.requiredLine()
            var load = LoadSample()
            load.oneMinute = try line.decimal()
            load.fiveMinutes = try line.decimal()
            load.fifteenMinutes = try line.decimal()
            var runnable = try line.field(before: UInt8(ascii: "/"))
            load.runnable = try runnable.unsigned()
            load.threads = try line.unsigned()
            sample.load = load
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }
}
