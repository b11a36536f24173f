import Kernel
import Wire

/// CPU time in total and of each core. Source: proc(5), /proc/stat.
struct CPUProbe: Probe {
    static let name = ProbeName.cpu

    private let file: ProbeFile
    private var before: CPUSample?

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/stat")
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        context.bootWallSeconds = nil
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            let now = try parse(&lines, bootWallSeconds: &context.bootWallSeconds)
            before = now
            sample.cpu = now
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }

    private func parse(
        _ lines: inout Fields, bootWallSeconds: inout UInt64?
    ) throws(Malformed) -> CPUSample {
        var sample = CPUSample()
        var hasTotal = false
        sample.cores.reserveCapacity(before?.cores.count ?? 0)
        while var line = try lines.nextLine() {
            if line.consume("cpu") {
                let isTotal = line.starts(with: " ")
                let number = isTotal ? 0 : try line.unsigned(max: 0xFFFF)
                let modes = try modes(&line)
                if isTotal {
                    hasTotal = true
                    sample.modes = modes
                    sample.usagePercent = usage(modes, since: before?.modes)
                } else {
                    guard sample.cores.count < ProbeLimits.coresMax else {
                        throw line.malformed("fewer CPUs before it")
                    }
                    let earlier = coreBefore(Int(number), at: sample.cores.count)
                    sample.cores.append(
                        CPUSample.Core(
                            number: Int(number), usagePercent: usage(modes, since: earlier),
                            modes: modes))
                }
            } else if line.consume("btime ") {
                bootWallSeconds = try line.unsigned(max: ProbeLimits.secondsMax)
            }
        }
        guard hasTotal else { throw lines.malformed("a line \"cpu\" before it") }
        return sample
    }

    /// guest and guest_nice, the ninth and tenth, are left: user and nice contain them.
    private func modes(_ line: inout Fields) throws(Malformed) -> CPUModes {
        var modes = CPUModes()
        modes.user = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.nice = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.system = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.idle = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.ioWait = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.irq = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.softIRQ = try line.unsigned(max: ProbeLimits.ticksMax)
        modes.steal = try line.unsigned(max: ProbeLimits.ticksMax)
        return modes
    }

    /// A CPU keeps its place until another one is plugged or unplugged.
    private func coreBefore(_ number: Int, at index: Int) -> CPUModes? {
        guard let cores = before?.cores else { return nil }
        if index < cores.count, cores[index].number == number { return cores[index].modes }
        return cores.first { $0.number == number }?.modes
    }

    /// The share of the time since `before` that was not idle.
    ///
    /// When a mode went backwards nothing can be said, so 0. Not so ioWait, which the kernel itself
    /// sometimes takes back (proc(5)): it counts as not grown.
    private func usage(_ now: CPUModes, since before: CPUModes?) -> Double {
        let before = before ?? CPUModes()
        guard now.user >= before.user, now.nice >= before.nice, now.system >= before.system,
            now.idle >= before.idle, now.irq >= before.irq, now.softIRQ >= before.softIRQ,
            now.steal >= before.steal
        else { return 0 }
        var grown = now
        grown.user -= before.user
        grown.nice -= before.nice
        grown.system -= before.system
        grown.idle -= before.idle
        grown.ioWait = increase(now.ioWait, since: before.ioWait)
        grown.irq -= before.irq
        grown.softIRQ -= before.softIRQ
        grown.steal -= before.steal
        return percent(Double(grown.busy), of: Double(grown.total))
    }
}
