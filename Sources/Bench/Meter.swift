import CLinux
public import IOEngine
import Kernel

/// Wall time, processor time and system calls from one moment on.
struct Meter {
    private let engine: IOEngine
    private let start = MonotonicTime.now
    private let cpuNanoseconds = clinux_process_cpu_nanoseconds()
    private let counters: IOEngine.Counters

    init(_ engine: IOEngine) {
        self.engine = engine
        counters = engine.counters
    }

    /// What it came to until now.
    func reading() -> Cost {
        let now = engine.counters
        let calls = now.waits + now.otherCalls - counters.waits - counters.otherCalls
        return Cost(
            engine: engine.kind, seconds: MonotonicTime.now.seconds(since: start),
            cpuSeconds: Double(clinux_process_cpu_nanoseconds() - cpuNanoseconds) / 1e9,
            systemCalls: calls)
    }
}

/// What a benchmark cost.
public struct Cost: Sendable {
    public let engine: EngineKind
    public let seconds: Double
    /// User and system time of the process.
    public let cpuSeconds: Double
    /// The engine's calls: waits, submissions, read(2) and write(2).
    public let systemCalls: UInt64
}
