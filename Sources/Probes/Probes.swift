import Kernel
public import Wire

/// Looks at this machine, one metric family after the other.
///
/// ```swift
/// let progress = ProbeProgress()               // stays with the thread that watches
/// var sampler = Sampler(options: ProbeOptions(ports: false), progress: progress)
/// let first = sampler.sample()                 // no rates yet; CPU since the boot
/// sleep(1)
/// let second = sampler.sample()                // rates over that second
/// print(second.cpu?.usagePercent ?? 0, second.costMicroseconds)
/// for error in second.probeErrors { print(error.probe, error.reason) }
/// // Elsewhere: progress.current names the probe that hangs, and since when.
/// ```
///
/// A family that cannot be read is absent and stands in `probeErrors`; it never fails the sample.
/// Rates are over the monotonic time since the sample before, and 0 for a counter that went
/// backwards. One sampler belongs to one thread at a time: it holds its files open and its buffers
/// ready.
public struct Sampler: ~Copyable {
    public let options: ProbeOptions
    public let progress: ProbeProgress
    private var context: ProbeContext
    private var reader = FileReader(bytesMax: ProbeLimits.fixedFileBytesMax)
    private var cpu: CPUProbe
    private var memory: MemoryProbe
    private var load: LoadProbe
    private var pressure: PressureProbe
    private var system: SystemProbe
    private var disks: DiskProbe
    private var network: NetworkProbe
    private var tcp: TCPProbe
    private var processes: ProcessProbe
    private var ports: PortProbe
    private var agent: AgentProbe
    private(set) var fileSystems: FileSystemProbe

    /// - Parameters:
    ///   - root: where the kernel's files are.
    ///   - options: what to leave out.
    ///   - progress: told which probe runs; one that another thread holds too.
    public init(
        root: ProbeRoot = ProbeRoot(), options: ProbeOptions = ProbeOptions(),
        progress: ProbeProgress = ProbeProgress()
    ) {
        self.init(root: root, options: options, progress: progress, machine: .live)
    }

    package init(
        root: ProbeRoot, options: ProbeOptions, progress: ProbeProgress, machine: Machine
    ) {
        self.options = options
        self.progress = progress
        context = ProbeContext(machine: machine)
        cpu = CPUProbe(root)
        memory = MemoryProbe(root)
        load = LoadProbe(root)
        pressure = PressureProbe(root)
        system = SystemProbe(root)
        disks = DiskProbe(root)
        network = NetworkProbe(root)
        tcp = TCPProbe(root)
        processes = ProcessProbe(
            root, processesMax: options.processesMax, seconds: options.processesSeconds)
        ports = PortProbe(root, seconds: options.portsSeconds)
        agent = AgentProbe(root)
        fileSystems = FileSystemProbe(root)
    }

    /// Runs every probe once, on the calling thread.
    public mutating func sample() -> MetricsSample {
        let startNanoseconds = context.machine.threadCPUNanoseconds()
        var sample = MetricsSample()
        sample.wallMilliseconds = context.machine.wallMilliseconds()
        sample.monotonicNanoseconds = context.machine.now().nanoseconds
        context.beginSample()
        Self.update(&cpu, &sample, &context, &reader, progress)
        Self.update(&memory, &sample, &context, &reader, progress)
        Self.update(&load, &sample, &context, &reader, progress)
        Self.update(&pressure, &sample, &context, &reader, progress)
        Self.update(&system, &sample, &context, &reader, progress)
        Self.update(&disks, &sample, &context, &reader, progress)
        Self.update(&network, &sample, &context, &reader, progress)
        Self.update(&tcp, &sample, &context, &reader, progress)
        if options.processesMax > 0 {
            Self.update(&processes, &sample, &context, &reader, progress)
        }
        if options.ports { Self.update(&ports, &sample, &context, &reader, progress) }
        Self.update(&agent, &sample, &context, &reader, progress)
        Self.update(&fileSystems, &sample, &context, &reader, progress)
        progress.ended()
        sample.probeErrors = context.errors
        let endNanoseconds = context.machine.threadCPUNanoseconds()
        sample.costMicroseconds = increase(endNanoseconds, since: startNanoseconds) / 1000
        return sample
    }

    private static func update(
        _ probe: inout some Probe, _ sample: inout MetricsSample, _ context: inout ProbeContext,
        _ reader: inout FileReader, _ progress: ProbeProgress
    ) {
        let name = type(of: probe).name
        context.begin(name)
        progress.began(name, at: context.now)
        do throws(ProbeFailure) {
            try probe.update(&sample, &context, &reader)
        } catch {
            context.report(error.description)
        }
        context.end()
    }
}

/// Where the kernel's files are. A test points at a tree of its own.
public struct ProbeRoot: Sendable, Equatable {
    public var proc: String
    public var sys: String
    public var etc: String

    public init(proc: String = "/proc", sys: String = "/sys", etc: String = "/etc") {
        self.proc = proc
        self.sys = sys
        self.etc = etc
    }
}

/// What a sample contains beside the families that are always there.
public struct ProbeOptions: Sendable, Equatable {
    /// How many processes are listed, by CPU and then by memory; 0 lists none. Every process of the
    /// machine is looked at: 6 us each.
    public var processesMax: Int
    /// For how many seconds that list is taken to stay as it is; 0 looks for every sample.
    public var processesSeconds: Double
    /// Whether the ports that wait for others are listed, with the processes that hold them, and
    /// TCP sockets are counted in every state.
    public var ports: Bool
    /// For how many seconds those are taken to stay as they are.
    public var portsSeconds: Double

    public init(
        processesMax: Int = 20, processesSeconds: Double = 0, ports: Bool = true,
        portsSeconds: Double = 10
    ) {
        precondition(processesMax >= 0, "a number of processes is not negative")
        precondition(processesSeconds >= 0 && portsSeconds >= 0, "a time is not negative")
        self.processesMax = processesMax
        self.processesSeconds = processesSeconds
        self.ports = ports
        self.portsSeconds = portsSeconds
    }
}
