import Kernel
import Wire

/// What the agent itself costs: resident memory and CPU time. The rest of its sample is the
/// agent's.
///
/// Sources: proc(5), /proc/PID/statm; clock_gettime(2), CLOCK_PROCESS_CPUTIME_ID.
struct AgentProbe: Probe {
    static let name = ProbeName.agent

    private let file: ProbeFile

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/self/statm")
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            var line = try lines.requiredLine()
            try line.skip(1)
            var agent = AgentSample()
            agent.residentKiB = multiplied(try line.unsigned(), by: context.machine.pageKiB)
            agent.cpuMilliseconds = context.machine.processCPUNanoseconds() / 1_000_000
            sample.agent = agent
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }
}
