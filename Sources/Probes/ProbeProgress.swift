public import Kernel
import Synchronization

/// Which probe runs now, readable from any thread: a probe that is stuck in the kernel, on a
/// network file system whose server is gone for instance, is reported by its name and not as a
/// stall.
public final class ProbeProgress: Sendable {
    /// Milliseconds of the monotonic clock at which the probe began, times 256, plus its number and
    /// one; 0 when none runs. One word, so that a reader never pairs a name with another's time.
    private let word = Atomic<UInt64>(0)

    public init() {}

    /// The probe that runs now, or `nil` between samples.
    public var currentProbe: String? { current?.probe }

    /// The probe that runs now and when it began, to the millisecond; `nil` between samples.
    public var current: (probe: String, since: MonotonicTime)? {
        let seen = word.load(ordering: .acquiring)
        guard seen != 0, let name = ProbeName(rawValue: UInt8(truncatingIfNeeded: seen) &- 1) else {
            return nil
        }
        return (name.text, MonotonicTime(nanoseconds: multiplied(seen >> 8, by: 1_000_000)))
    }

    func began(_ probe: ProbeName, at now: MonotonicTime) {
        let milliseconds = now.nanoseconds / 1_000_000
        word.store(milliseconds << 8 | UInt64(probe.rawValue) + 1, ordering: .releasing)
    }

    func ended() { word.store(0, ordering: .releasing) }
}

/// The probes, in the order in which they run.
enum ProbeName: UInt8, CaseIterable {
    case cpu, memory, load, pressure, system, disks, network, tcp, processes, ports, agent
    /// The last: of all of them only this one asks servers elsewhere, and may wait for ever.
    case fileSystems

    var text: String {
        switch self {
        case .cpu: "cpu"
        case .memory: "memory"
        case .load: "load"
        case .pressure: "pressure"
        case .system: "system"
        case .disks: "disks"
        case .network: "network"
        case .tcp: "tcp"
        case .processes: "processes"
        case .ports: "ports"
        case .agent: "agent"
        case .fileSystems: "filesystems"
        }
    }
}
