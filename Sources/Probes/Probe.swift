import Kernel
import Wire

/// One metric family: reads its files and fills its part of the sample.
protocol Probe {
    static var name: ProbeName { get }

    /// Fills its part of `sample`, or throws and leaves that part as it was.
    ///
    /// What concerns one row only, such as a mount point that does not answer, it adds to
    /// `context.errors` itself and goes on. Files are read into `reader`'s buffer, one at a time.
    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure)
}

/// What the probes of one sample share.
struct ProbeContext: ~Copyable {
    let machine: Machine
    /// When the probe that runs now began: all rates are over this.
    var now = MonotonicTime(nanoseconds: 0)
    /// Seconds since 1970 UTC at which the machine was booted, from the CPU probe's file.
    var bootWallSeconds: UInt64?
    /// Seconds since then, with a fraction, from the system probe.
    var uptimeSeconds: Double?
    /// What failed, in a family or in a row of one.
    private(set) var errors: [ProbeError] = []
    private var probe = ProbeName.cpu
    private var errorsOfProbe = 0

    init(machine: Machine) {
        self.machine = machine
    }

    mutating func beginSample() { errors = [] }

    mutating func begin(_ probe: ProbeName) {
        self.probe = probe
        errorsOfProbe = 0
        now = machine.now()
    }

    /// Adds a failure of the probe that runs now. A probe with hundreds of them says how many.
    mutating func report(_ reason: String) {
        errorsOfProbe += 1
        guard errorsOfProbe <= ProbeLimits.errorsOfProbeMax else { return }
        errors.append(ProbeError(probe: probe.text, reason: reason))
    }

    mutating func end() {
        let more = errorsOfProbe - ProbeLimits.errorsOfProbeMax
        guard more > 0 else { return }
        errors.append(ProbeError(probe: probe.text, reason: "\(more) more failures are not listed"))
    }

    /// Says that a family is longer than its limit.
    mutating func reportCut(shown: Int, of count: Int, _ rows: String) {
        guard count > shown else { return }
        report("\(count - shown) of \(count) \(rows) left out: at most \(shown) are reported")
    }
}
