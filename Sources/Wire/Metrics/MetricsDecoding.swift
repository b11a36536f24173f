extension MetricsMessage {
    /// `nil` without an object `data`. Whatever else is missing or of another type is left out.
    init?(_ root: JSONValue) {
        var members = root.members
        let wallMilliseconds = members.timestamp("timestamp") ?? 0
        let epoch = members.epoch("epoch")
        let sequence = members.unsigned("seq")
        let droppedMessages = members.unsigned("dropped") ?? 0
        let data = members.value("data")
        guard data.type == .object else { return nil }
        self.init(MetricsSample(data), droppedMessages: droppedMessages)
        sample.wallMilliseconds = wallMilliseconds
        if let epoch, let sequence { numbering = Numbering(epoch: epoch, sequence: sequence) }
        droppedRows = RowCounts(members.value("truncated"))
    }
}

extension MetricsSample {
    /// From `data`, in the order in which it is written.
    init(_ data: JSONValue) {
        self.init()
        var members = data.members
        var system = members.value("system").members
        decodeSystem(&system)
        processes = members.value("processes").rows()
        ports = members.value("ports").rows()
        // The agent's own documents put the lists into `system`.
        if processes.isEmpty { processes = system.value("processes").rows() }
        if ports.isEmpty { ports = system.value("ports").rows() }
        decodeAgent(members.value("agent"))
    }

    private mutating func decodeSystem(_ members: inout JSONMembers) {
        cpu = CPUSample(members.value("cpu"))
        memory = MemorySample(members.value("memory"))
        var disk = members.value("disk").members
        fileSystems = disk.value("usage_stats").rows()
        disks = disk.value("disks").rows()
        var network = members.value("network").members
        interfaces = network.value("interfaces").rows()
        let uptimeSeconds = members.unsigned("uptime_seconds")
        load = LoadSample(members.value("load_average"))
        let inner = members.value("system")
        system = SystemSample(inner, uptimeSeconds: uptimeSeconds)
        if load == nil, let value = inner.member("load_average") { load = LoadSample(value) }
        decodePressure(members.value("pressure"))
        decodeTCPStates(members.value("tcp_states"))
    }

    private mutating func decodePressure(_ value: JSONValue) {
        var members = value.members
        while let member = members.next() {
            guard let resource = member.name.string else { continue }
            pressure.append(PressureSample(resource, member.value))
        }
    }

    private mutating func decodeTCPStates(_ value: JSONValue) {
        var members = value.members
        while let member = members.next() {
            guard let state = member.name.string, let count = member.value.unsigned else {
                continue
            }
            tcpStates.append(TCPStateCount(state: state, count: count))
        }
    }

    private mutating func decodeAgent(_ value: JSONValue) {
        var members = value.members
        monotonicNanoseconds = members.unsigned("monotonic_ns") ?? 0
        costMicroseconds = members.unsigned("sample_cost_us") ?? 0
        agent = AgentSample(&members)
        probeErrors = members.value("errors").rows()
    }
}

extension CPUSample {
    /// `nil` without a usage. From a sender that has no rows a core, the cores are counted from 0.
    init?(_ value: JSONValue) {
        self.init()
        var members = value.members
        guard let usage = members.number("usage_percent") else { return nil }
        usagePercent = usage
        let usages = members.value("cores_usage")
        var inner = members.value("modes").members
        modes = CPUModes(&inner)
        cores = members.value("cores").rows()
        if cores.isEmpty {
            var elements = usages.elements
            while let usage = elements.next() {
                cores.append(
                    Core(
                        number: cores.count, usagePercent: usage.number ?? 0, modes: CPUModes()))
            }
        }
    }
}

extension CPUModes {
    init(_ members: inout JSONMembers) {
        user = members.unsigned("user") ?? 0
        nice = members.unsigned("nice") ?? 0
        system = members.unsigned("system") ?? 0
        idle = members.unsigned("idle") ?? 0
        ioWait = members.unsigned("iowait") ?? 0
        irq = members.unsigned("irq") ?? 0
        softIRQ = members.unsigned("softirq") ?? 0
        steal = members.unsigned("steal") ?? 0
    }
}

extension MemorySample {
    /// `nil` without a total.
    init?(_ value: JSONValue) {
        self.init()
        var members = value.members
        guard let total = members.unsigned("total_kb") else { return nil }
        totalKiB = total
        usedKiB = members.unsigned("used_kb") ?? 0
        freeKiB = members.unsigned("free_kb") ?? 0
        availableKiB = members.unsigned("available_kb") ?? 0
        buffersKiB = members.unsigned("buffers_kb") ?? 0
        cachedKiB = members.unsigned("cached_kb") ?? 0
        swapTotalKiB = members.unsigned("swap_total_kb") ?? 0
        swapUsedKiB = members.unsigned("swap_used_kb") ?? 0
    }
}

extension LoadSample {
    /// `nil` without the first of the three.
    init?(_ value: JSONValue) {
        self.init()
        var members = value.members
        guard let oneMinute = members.number("load_1min") else { return nil }
        self.oneMinute = oneMinute
        fiveMinutes = members.number("load_5min") ?? 0
        fifteenMinutes = members.number("load_15min") ?? 0
        runnable = members.unsigned("runnable") ?? 0
        threads = members.unsigned("threads") ?? 0
    }
}

extension PressureSample {
    init(_ resource: String, _ value: JSONValue) {
        self.init()
        self.resource = resource
        var members = value.members
        var some = members.value("some").members
        someAverage10 = some.number("avg10") ?? 0
        someAverage60 = some.number("avg60") ?? 0
        someAverage300 = some.number("avg300") ?? 0
        someTotalMicroseconds = some.unsigned("total_us") ?? 0
        var full = members.value("full").members
        fullAverage10 = full.number("avg10") ?? 0
        fullAverage60 = full.number("avg60") ?? 0
        fullAverage300 = full.number("avg300") ?? 0
        fullTotalMicroseconds = full.unsigned("total_us") ?? 0
    }
}

extension SystemSample {
    /// `nil` when nothing is known. Uptime stands beside the other members, within them, or both.
    init?(_ value: JSONValue, uptimeSeconds beside: UInt64?) {
        guard value.exists || beside != nil else { return nil }
        self.init()
        var members = value.members
        uptimeSeconds = members.unsigned("uptime_seconds") ?? beside ?? 0
        name = members.string("name") ?? ""
        osVersion = members.string("os_version") ?? ""
        kernelVersion = members.string("kernel_version") ?? ""
        hostname = members.string("hostname") ?? ""
        architecture = members.string("architecture") ?? ""
        cgroup = members.string("cgroup") ?? ""
    }
}

extension AgentSample {
    /// `nil` without an engine: another agent's, or one that could not count.
    init?(_ members: inout JSONMembers) {
        self.init()
        guard let engine = members.string("engine") else { return nil }
        self.engine = engine
        framesReceived = members.unsigned("frames_received") ?? 0
        framesSent = members.unsigned("frames_sent") ?? 0
        bytesReceived = members.unsigned("bytes_received") ?? 0
        bytesSent = members.unsigned("bytes_sent") ?? 0
        metricsDropped = members.unsigned("metrics_dropped") ?? 0
        framesRefused = members.unsigned("frames_refused") ?? 0
        hostArrivals = members.unsigned("host_arrivals") ?? 0
        portOpens = members.unsigned("port_opens") ?? 0
        residentKiB = members.unsigned("resident_kb") ?? 0
        cpuMilliseconds = members.unsigned("cpu_ms") ?? 0
    }
}
