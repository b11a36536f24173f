/// One look at a machine: what the probes found, in the units of the wire.
///
/// A family that could not be read is `nil` or empty, and its probe stands in ``probeErrors``.
/// Rates are over the time since the sample before; counters are the kernel's own totals, so that a
/// host can compute rates over gaps.
///
/// Source: protocol, "What the host in the field reads and sends"; the peers' message of the same
/// type, whose field names the encoder writes.
public struct MetricsSample: Sendable {
    /// Milliseconds since 1970 UTC at which the sample was taken.
    public var wallMilliseconds: Int64 = 0
    /// Monotonic nanoseconds at which it was taken, for rates.
    public var monotonicNanoseconds: UInt64 = 0
    /// CPU time that taking it cost, in microseconds.
    public var costMicroseconds: UInt64 = 0

    public var cpu: CPUSample?
    public var memory: MemorySample?
    public var fileSystems: [FileSystemSample] = []
    public var disks: [DiskSample] = []
    public var interfaces: [InterfaceSample] = []
    public var load: LoadSample?
    public var pressure: [PressureSample] = []
    public var system: SystemSample?
    public var tcpStates: [TCPStateCount] = []
    public var processes: [ProcessSample] = []
    public var ports: [ListeningPort] = []
    public var agent: AgentSample?
    public var probeErrors: [ProbeError] = []

    public init() {}
}

/// Ticks of 1/100 s that a CPU spent in each mode since boot. Source: proc(5), /proc/stat.
public struct CPUModes: Sendable, Equatable {
    public var user: UInt64 = 0
    public var nice: UInt64 = 0
    public var system: UInt64 = 0
    public var idle: UInt64 = 0
    public var ioWait: UInt64 = 0
    public var irq: UInt64 = 0
    public var softIRQ: UInt64 = 0
    public var steal: UInt64 = 0

    public init() {}

    public var total: UInt64 { user + nice + system + idle + ioWait + irq + softIRQ + steal }
    public var busy: UInt64 { total - idle - ioWait }
}

/// All CPUs together, and each. Source: proc(5), /proc/stat.
public struct CPUSample: Sendable {
    /// 0 to 100 over all CPUs, since the sample before; since boot in the first.
    public var usagePercent: Double = 0
    public var modes = CPUModes()
    /// One entry a CPU that is online, in the kernel's order.
    public var cores: [Core] = []

    public struct Core: Sendable {
        public var number: Int
        public var usagePercent: Double
        public var modes: CPUModes

        public init(number: Int, usagePercent: Double, modes: CPUModes) {
            self.number = number
            self.usagePercent = usagePercent
            self.modes = modes
        }
    }

    public init() {}
}

/// In KiB, as /proc/meminfo has them. Source: proc(5).
public struct MemorySample: Sendable, Equatable {
    public var totalKiB: UInt64 = 0
    /// total - available.
    public var usedKiB: UInt64 = 0
    public var freeKiB: UInt64 = 0
    public var availableKiB: UInt64 = 0
    public var buffersKiB: UInt64 = 0
    public var cachedKiB: UInt64 = 0
    public var swapTotalKiB: UInt64 = 0
    public var swapUsedKiB: UInt64 = 0

    public init() {}
}

/// Space and inodes of one mounted file system that stands on a device or on a network.
public struct FileSystemSample: Sendable {
    public var mountPoint = ""
    public var device = ""
    public var type = ""
    public var totalBytes: UInt64 = 0
    /// total - free, as df shows it.
    public var usedBytes: UInt64 = 0
    /// What an unprivileged user may still take.
    public var availableBytes: UInt64 = 0
    public var inodes: UInt64 = 0
    public var inodesUsed: UInt64 = 0

    public init() {}
}

/// I/O of one whole disk. Source: Documentation/admin-guide/iostats.rst; a sector is 512 bytes.
public struct DiskSample: Sendable {
    public var name = ""
    public var readOperations: UInt64 = 0
    public var readBytes: UInt64 = 0
    public var readMilliseconds: UInt64 = 0
    public var writeOperations: UInt64 = 0
    public var writeBytes: UInt64 = 0
    public var writeMilliseconds: UInt64 = 0
    public var busyMilliseconds: UInt64 = 0
    public var readBytesPerSecond: Double = 0
    public var writeBytesPerSecond: Double = 0
    public var readOperationsPerSecond: Double = 0
    public var writeOperationsPerSecond: Double = 0
    /// Mean time of one read or write since the sample before, in milliseconds; 0 when there was
    /// none.
    public var readLatencyMilliseconds: Double = 0
    public var writeLatencyMilliseconds: Double = 0
    /// 0 to 100: the share of the time in which something was in flight.
    public var utilizationPercent: Double = 0

    public init() {}
}

/// One network interface, the loopback among them.
public struct InterfaceSample: Sendable {
    public var name = ""
    public var isUp = false
    /// `aa:bb:cc:dd:ee:ff`, empty when it has none.
    public var macAddress = ""
    /// IPv4 and IPv6, without prefix length.
    public var addresses: [String] = []
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    public var packetsReceived: UInt64 = 0
    public var packetsSent: UInt64 = 0
    public var errorsIn: UInt64 = 0
    public var errorsOut: UInt64 = 0
    public var droppedIn: UInt64 = 0
    public var droppedOut: UInt64 = 0
    public var receivedBytesPerSecond: Double = 0
    public var sentBytesPerSecond: Double = 0

    public init() {}
}

/// Source: proc(5), /proc/loadavg.
public struct LoadSample: Sendable, Equatable {
    public var oneMinute: Double = 0
    public var fiveMinutes: Double = 0
    public var fifteenMinutes: Double = 0
    public var runnable: UInt64 = 0
    public var threads: UInt64 = 0

    public init() {}
}

/// Pressure stall information of one resource. Source: Documentation/accounting/psi.rst.
public struct PressureSample: Sendable, Equatable {
    /// `cpu`, `memory` or `io`.
    public var resource = ""
    /// Percent of the time in which some task waited, over 10, 60 and 300 s.
    public var someAverage10: Double = 0
    public var someAverage60: Double = 0
    public var someAverage300: Double = 0
    public var someTotalMicroseconds: UInt64 = 0
    /// The same for all tasks at once.
    public var fullAverage10: Double = 0
    public var fullAverage60: Double = 0
    public var fullAverage300: Double = 0
    public var fullTotalMicroseconds: UInt64 = 0

    public init() {}
}

/// What the machine is called and what it runs. Source: uname(2), os-release(5), /proc/uptime.
public struct SystemSample: Sendable {
    public var uptimeSeconds: UInt64 = 0
    public var hostname = ""
    /// os-release's NAME, such as `Debian GNU/Linux`.
    public var name = ""
    /// os-release's VERSION_ID.
    public var osVersion = ""
    public var kernelVersion = ""
    public var architecture = ""
    /// The cgroup that the agent itself runs in.
    public var cgroup = ""

    public init() {}
}

/// How many TCP sockets are in a state. Source: include/net/tcp_states.h.
public struct TCPStateCount: Sendable, Equatable {
    /// `ESTABLISHED`, `LISTEN`, `TIME_WAIT` and so on.
    public var state: String
    public var count: UInt64

    public init(state: String, count: UInt64) {
        self.state = state
        self.count = count
    }
}

/// One process. Source: proc(5), /proc/PID.
public struct ProcessSample: Sendable {
    public var pid: UInt32 = 0
    public var parentPID: UInt32 = 0
    public var name = ""
    /// `nil` when it may not be read.
    public var executablePath: String?
    public var commandLine = ""
    /// Of one CPU: 200 for two whole ones. Since the sample before; since its start in the first.
    public var cpuPercent: Double = 0
    public var memoryKiB: UInt64 = 0
    /// The kernel's letter spelt out: `running`, `sleeping`, `disk-sleep`, `zombie`, `stopped`,
    /// `idle`.
    public var status = ""
    /// Milliseconds since 1970 UTC.
    public var startedWallMilliseconds: Int64 = 0

    public init() {}
}

/// A TCP or UDP socket that waits for others to come.
public struct ListeningPort: Sendable {
    public var port: UInt16 = 0
    /// `tcp`, `tcp6`, `udp` or `udp6`.
    public var proto = ""
    public var address = ""
    /// `LISTEN`, or `UNCONN` for UDP.
    public var state = ""
    /// `nil` when another user's process holds it and may not be seen.
    public var pid: UInt32?
    public var processName: String?
    public var executablePath: String?
    /// Established connections on the same local port.
    public var connections: UInt64 = 0

    public init() {}
}

/// The agent's own counters since its start.
public struct AgentSample: Sendable, Equatable {
    public var engine = ""
    public var framesReceived: UInt64 = 0
    public var framesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    /// Metrics messages that gave way to newer ones because the host did not read.
    public var metricsDropped: UInt64 = 0
    /// Frames that were not strict JSON, or over the cap.
    public var framesRefused: UInt64 = 0
    /// How often a host appeared.
    public var hostArrivals: UInt64 = 0
    public var portOpens: UInt64 = 0
    public var residentKiB: UInt64 = 0
    public var cpuMilliseconds: UInt64 = 0

    public init() {}
}

/// A probe that failed, and why: one failing probe never fails the sample.
public struct ProbeError: Sendable, Equatable {
    public var probe: String
    public var reason: String

    public init(probe: String, reason: String) {
        self.probe = probe
        self.reason = reason
    }
}
