extension CPUSample.Core: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("cpu", number)
        writer.member("usage_percent", usagePercent)
        modes.encodeMembers(into: &writer)
    }
}

extension FileSystemSample: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("mount_point", mountPoint)
        writer.member("total_gb", Self.gibibytes(totalBytes))
        writer.member("used_gb", Self.gibibytes(usedBytes))
        writer.member("available_gb", Self.gibibytes(availableBytes))
        writer.member("filesystem", type)
        writer.member("device", device)
        writer.member("total_bytes", totalBytes)
        writer.member("used_bytes", usedBytes)
        writer.member("available_bytes", availableBytes)
        writer.member("inodes", inodes)
        writer.member("inodes_used", inodesUsed)
    }

    /// InfiniService's gigabytes are of 2^30 bytes.
    static func gibibytes(_ bytes: UInt64) -> Double { Double(bytes) / 0x1p30 }
}

extension DiskSample: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("name", name)
        writer.member("read_ops", readOperations)
        writer.member("read_bytes", readBytes)
        writer.member("read_ms", readMilliseconds)
        writer.member("write_ops", writeOperations)
        writer.member("write_bytes", writeBytes)
        writer.member("write_ms", writeMilliseconds)
        writer.member("busy_ms", busyMilliseconds)
        encodeRates(into: &writer)
        writer.member("read_latency_ms", readLatencyMilliseconds)
        writer.member("write_latency_ms", writeLatencyMilliseconds)
        writer.member("utilization_percent", utilizationPercent)
    }

    func encodeRates(into writer: inout JSONWriter) {
        writer.member("read_bytes_per_sec", readBytesPerSecond)
        writer.member("write_bytes_per_sec", writeBytesPerSecond)
        writer.member("read_ops_per_sec", readOperationsPerSecond)
        writer.member("write_ops_per_sec", writeOperationsPerSecond)
    }
}

extension InterfaceSample: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("name", name)
        writer.member("bytes_received", bytesReceived)
        writer.member("bytes_sent", bytesSent)
        writer.member("packets_received", packetsReceived)
        writer.member("packets_sent", packetsSent)
        writer.member("errors_in", errorsIn)
        writer.member("errors_out", errorsOut)
        writer.member("dropped_in", droppedIn)
        writer.member("dropped_out", droppedOut)
        writer.beginArray("ip_addresses")
        for address in addresses { writer.value(address) }
        writer.endArray()
        writer.member("is_up", isUp)
        writer.member("mac_address", macAddress)
        writer.member("received_bytes_per_sec", receivedBytesPerSecond)
        writer.member("sent_bytes_per_sec", sentBytesPerSecond)
    }
}

extension ProcessSample: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("pid", UInt64(pid))
        writer.member("ppid", UInt64(parentPID))
        writer.member("name", name)
        if let executablePath { writer.member("exe_path", executablePath) }
        writer.member("cmd_line", commandLine)
        writer.member("cpu_percent", cpuPercent)
        writer.member("memory_kb", memoryKiB)
        writer.member("status", status)
        // 0 is a start that is not known.
        guard startedWallMilliseconds != 0 else { return }
        writer.member("start_time", timestamp: startedWallMilliseconds)
    }
}

extension ListeningPort: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("port", UInt64(port))
        writer.member("protocol", proto)
        writer.member("address", address)
        writer.member("state", state)
        if let pid { writer.member("pid", UInt64(pid)) }
        if let processName { writer.member("process_name", processName) }
        if let executablePath { writer.member("exe_path", executablePath) }
        writer.member("is_listening", true)
        writer.member("connection_count", connections)
    }
}

extension ProbeError: MetricsRow {
    func encodeRow(into writer: inout JSONWriter) {
        writer.member("probe", probe)
        writer.member("reason", reason)
    }
}
