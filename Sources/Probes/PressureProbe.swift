import Kernel
import Wire

/// Pressure stall information. Source: Documentation/accounting/psi.rst.
///
/// A kernel without it, or started with `psi=0`, has no data, which is no failure.
struct PressureProbe: Probe {
    static let name = ProbeName.pressure

    private let resources: [(name: String, file: ProbeFile)]

    init(_ root: ProbeRoot) {
        resources = ["cpu", "memory", "io"].map { ($0, ProbeFile("\(root.proc)/pressure/\($0)")) }
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var all: [PressureSample] = []
        all.reserveCapacity(resources.count)
        for (name, file) in resources {
            do throws(ProbeFailure) {
                all.append(try read(name, file, &reader))
            } catch {
                guard error.meansNoData else { throw error }
            }
        }
        sample.pressure = all
    }

    private func read(
        _ resource: String, _ file: ProbeFile, _ reader: inout FileReader
    ) throws(ProbeFailure) -> PressureSample {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            return try parse(&lines, resource)
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }

    /// The line `full` is missing for the CPU before Linux 5.13.
    private func parse(_ lines: inout Fields, _ resource: String) throws(Malformed)
        -> PressureSample
    {
        var pressure = PressureSample()
        pressure.resource = resource
        var some = try lines.requiredLine()
        guard some.consume("some ") else { throw some.malformed("\"some\"") }
        pressure.someAverage10 = try average("avg10=", &some)
        pressure.someAverage60 = try average("avg60=", &some)
        pressure.someAverage300 = try average("avg300=", &some)
        pressure.someTotalMicroseconds = try total(&some)
        guard var full = try lines.nextLine() else { return pressure }
        guard full.consume("full ") else { throw full.malformed("\"full\"") }
        pressure.fullAverage10 = try average("avg10=", &full)
        pressure.fullAverage60 = try average("avg60=", &full)
        pressure.fullAverage300 = try average("avg300=", &full)
        pressure.fullTotalMicroseconds = try total(&full)
        return pressure
    }

    private func average(_ key: String, _ line: inout Fields) throws(Malformed) -> Double {
        var field = try line.field()
        guard field.consume(key) else { throw line.malformed(key) }
        return min(100, try field.decimal())
    }

    private func total(_ line: inout Fields) throws(Malformed) -> UInt64 {
        var field = try line.field()
        guard field.consume("total=") else { throw line.malformed("total=") }
        return try field.unsigned()
    }
}
