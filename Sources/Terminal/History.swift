public import Wire

/// What the last samples of a guest said of its CPU and its network, for sparklines.
///
/// ```swift
/// history.append(sample)          // once a sample, before it is shown
/// ```
public struct History: Sendable {
    /// Samples that are kept; older ones go.
    public static let samplesMax = 60

    /// 0 to 100, oldest first.
    public private(set) var cpuPercent: [Double] = []
    /// Over all interfaces but the loopback, oldest first.
    public private(set) var receivedBytesPerSecond: [Double] = []
    public private(set) var sentBytesPerSecond: [Double] = []
    /// Where the CPU's time went between the last two samples; `nil` before there are two, and
    /// after the guest's counters went back, as at a reboot.
    public private(set) var shares: CPUShares?
    private var modes: CPUModes?

    public init() {}

    /// Takes what is kept of a sample. A sample without a CPU or a network counts as 0 there.
    public mutating func append(_ sample: MetricsSample) {
        let network = NetworkTotals(sample.interfaces)
        Self.keep(bounded(sample.cpu?.usagePercent ?? 0, upTo: 100), in: &cpuPercent)
        Self.keep(network.receivedBytesPerSecond, in: &receivedBytesPerSecond)
        Self.keep(network.sentBytesPerSecond, in: &sentBytesPerSecond)
        shares = modes.flatMap { before in
            sample.cpu.flatMap { CPUShares(from: before, to: $0.modes) }
        }
        modes = sample.cpu?.modes
    }

    private static func keep(_ value: Double, in values: inout [Double]) {
        if values.count == samplesMax { values.removeFirst() }
        values.append(value)
    }
}

/// How a stretch of CPU time divides, in percent.
public struct CPUShares: Sendable, Equatable {
    public let user: Double
    public let system: Double
    public let ioWait: Double
    public let irq: Double
    public let steal: Double

    /// `nil` when a counter is below what it was, or nothing passed. The numbers are a guest's:
    /// they are added as floating point, which does not trap.
    init?(from before: CPUModes, to now: CPUModes) {
        var hasGoneBack = false
        func passed(_ path: KeyPath<CPUModes, UInt64>) -> Double {
            let (difference, overflow) = now[keyPath: path]
                .subtractingReportingOverflow(before[keyPath: path])
            if overflow { hasGoneBack = true }
            return Double(difference)
        }
        let user = passed(\.user) + passed(\.nice)
        let system = passed(\.system)
        let irq = passed(\.irq) + passed(\.softIRQ)
        let ioWait = passed(\.ioWait)
        let steal = passed(\.steal)
        let total = user + system + irq + ioWait + steal + passed(\.idle)
        guard !hasGoneBack, total > 0 else { return nil }
        self.user = user / total * 100
        self.system = system / total * 100
        self.ioWait = ioWait / total * 100
        self.irq = irq / total * 100
        self.steal = steal / total * 100
    }
}

/// Rates over all interfaces but the loopback.
struct NetworkTotals {
    var receivedBytesPerSecond = 0.0
    var sentBytesPerSecond = 0.0

    init(_ interfaces: [InterfaceSample]) {
        for interface in interfaces where interface.name != "lo" {
            receivedBytesPerSecond += bounded(interface.receivedBytesPerSecond)
            sentBytesPerSecond += bounded(interface.sentBytesPerSecond)
        }
    }
}

/// `value` made fit for arithmetic: what a guest says may be negative, huge or not a number.
func bounded(_ value: Double, upTo most: Double = 1e18) -> Double {
    value > 0 ? min(value, most) : 0
}
