extension MetricsSample {
    /// The members of `data.system`. The four that the host in the field insists on are always
    /// there, with `null` for what could not be read.
    func encodeSystem(_ selection: RowSelection?, into writer: inout JSONWriter) {
        encodeCPU(selection, into: &writer)
        encodeMemory(into: &writer)
        writer.beginObject("disk")
        writer.rows("usage_stats", fileSystems, selection?.kept(.fileSystems))
        encodeDiskTotals(into: &writer)
        writer.rows("disks", disks, selection?.kept(.disks))
        writer.endObject()
        writer.beginObject("network")
        writer.rows("interfaces", interfaces, selection?.kept(.interfaces))
        writer.endObject()
        writer.key("uptime_seconds")
        if let system { writer.value(system.uptimeSeconds) } else { writer.null() }
        if let load { load.encode("load_average", into: &writer) }
        if let system { system.encode(load, into: &writer) }
        encodePressure(into: &writer)
        encodeTCPStates(into: &writer)
    }

    private func encodeCPU(_ selection: RowSelection?, into writer: inout JSONWriter) {
        writer.beginObject("cpu")
        if let cpu {
            writer.member("usage_percent", cpu.usagePercent)
            writer.beginArray("cores_usage")
            for core in cpu.cores { writer.value(core.usagePercent) }
            writer.endArray()
            writer.beginObject("modes")
            cpu.modes.encodeMembers(into: &writer)
            writer.endObject()
            writer.rows("cores", cpu.cores, selection?.kept(.cores))
        } else {
            writer.key("usage_percent")
            writer.null()
            writer.beginArray("cores_usage")
            writer.endArray()
        }
        writer.endObject()
    }

    private func encodeMemory(into writer: inout JSONWriter) {
        writer.beginObject("memory")
        if let memory {
            writer.member("total_kb", memory.totalKiB)
            writer.member("used_kb", memory.usedKiB)
            writer.member("free_kb", memory.freeKiB)
            writer.member("available_kb", memory.availableKiB)
            writer.member("buffers_kb", memory.buffersKiB)
            writer.member("cached_kb", memory.cachedKiB)
            writer.member("swap_total_kb", memory.swapTotalKiB)
            writer.member("swap_used_kb", memory.swapUsedKiB)
        } else {
            writer.key("total_kb")
            writer.null()
            writer.key("used_kb")
            writer.null()
            writer.key("available_kb")
            writer.null()
        }
        writer.endObject()
    }

    /// Over all disks: sums of the rates, and the busiest one's utilization.
    private func encodeDiskTotals(into writer: inout JSONWriter) {
        var total = DiskSample()
        for disk in disks {
            total.readBytesPerSecond += disk.readBytesPerSecond
            total.writeBytesPerSecond += disk.writeBytesPerSecond
            total.readOperationsPerSecond += disk.readOperationsPerSecond
            total.writeOperationsPerSecond += disk.writeOperationsPerSecond
            total.utilizationPercent = max(total.utilizationPercent, disk.utilizationPercent)
        }
        writer.beginObject("io_stats")
        total.encodeRates(into: &writer)
        writer.member("io_utilization_percent", total.utilizationPercent)
        writer.endObject()
    }

    /// An object of objects by resource; a resource that came twice is written once.
    private func encodePressure(into writer: inout JSONWriter) {
        guard !pressure.isEmpty else { return }
        writer.beginObject("pressure")
        for index in pressure.indices {
            let resource = pressure[index].resource
            if pressure[..<index].contains(where: { $0.resource == resource }) { continue }
            writer.key(resource)
            pressure[index].encode(into: &writer)
        }
        writer.endObject()
    }

    /// An object of counts by state; a state that came twice is written once.
    private func encodeTCPStates(into writer: inout JSONWriter) {
        guard !tcpStates.isEmpty else { return }
        writer.beginObject("tcp_states")
        for index in tcpStates.indices {
            let state = tcpStates[index].state
            if tcpStates[..<index].contains(where: { $0.state == state }) { continue }
            writer.key(state)
            writer.value(tcpStates[index].count)
        }
        writer.endObject()
    }

    /// The members of `data.agent`: what the sample cost, the agent's counters, failed probes.
    func encodeAgent(_ selection: RowSelection?, into writer: inout JSONWriter) {
        writer.member("monotonic_ns", monotonicNanoseconds)
        writer.member("sample_cost_us", costMicroseconds)
        agent?.encodeMembers(into: &writer)
        guard !probeErrors.isEmpty else { return }
        writer.rows("errors", probeErrors, selection?.kept(.errors))
    }
}

extension CPUModes {
    func encodeMembers(into writer: inout JSONWriter) {
        writer.member("user", user)
        writer.member("nice", nice)
        writer.member("system", system)
        writer.member("idle", idle)
        writer.member("iowait", ioWait)
        writer.member("irq", irq)
        writer.member("softirq", softIRQ)
        writer.member("steal", steal)
    }
}

extension LoadSample {
    func encode(_ name: StaticString, into writer: inout JSONWriter) {
        writer.beginObject(name)
        writer.member("load_1min", oneMinute)
        writer.member("load_5min", fiveMinutes)
        writer.member("load_15min", fifteenMinutes)
        writer.member("runnable", runnable)
        writer.member("threads", threads)
        writer.endObject()
    }
}

extension PressureSample {
    func encode(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.beginObject("some")
        writer.member("avg10", someAverage10)
        writer.member("avg60", someAverage60)
        writer.member("avg300", someAverage300)
        writer.member("total_us", someTotalMicroseconds)
        writer.endObject()
        writer.beginObject("full")
        writer.member("avg10", fullAverage10)
        writer.member("avg60", fullAverage60)
        writer.member("avg300", fullAverage300)
        writer.member("total_us", fullTotalMicroseconds)
        writer.endObject()
        writer.endObject()
    }
}

extension SystemSample {
    /// `data.system.system`, where the agent's own documents also put uptime and load.
    func encode(_ load: LoadSample?, into writer: inout JSONWriter) {
        writer.beginObject("system")
        writer.member("uptime_seconds", uptimeSeconds)
        writer.member("name", name)
        writer.member("os_version", osVersion)
        writer.member("kernel_version", kernelVersion)
        writer.member("hostname", hostname)
        writer.member("architecture", architecture)
        writer.member("cgroup", cgroup)
        if let load { load.encode("load_average", into: &writer) }
        writer.endObject()
    }
}

extension AgentSample {
    func encodeMembers(into writer: inout JSONWriter) {
        writer.member("engine", engine)
        writer.member("frames_received", framesReceived)
        writer.member("frames_sent", framesSent)
        writer.member("bytes_received", bytesReceived)
        writer.member("bytes_sent", bytesSent)
        writer.member("metrics_dropped", metricsDropped)
        writer.member("frames_refused", framesRefused)
        writer.member("host_arrivals", hostArrivals)
        writer.member("port_opens", portOpens)
        writer.member("resident_kb", residentKiB)
        writer.member("cpu_ms", cpuMilliseconds)
    }
}
