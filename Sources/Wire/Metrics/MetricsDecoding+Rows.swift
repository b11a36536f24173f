/// A row that can be read back, from ours or from InfiniService's message.
protocol DecodableRow {
    /// `nil` when what identifies the row is missing.
    init?(row members: inout JSONMembers)
}

extension JSONValue {
    /// The elements of an array that are rows of that kind.
    func rows<Row: DecodableRow>() -> [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(count)
        var elements = elements
        while let element = elements.next() {
            var members = element.members
            if let row = Row(row: &members) { rows.append(row) }
        }
        return rows
    }
}

extension CPUSample.Core: DecodableRow {
    init?(row members: inout JSONMembers) {
        guard let number = members.integer("cpu").flatMap({ Int(exactly: $0) }) else { return nil }
        let usagePercent = members.number("usage_percent") ?? 0
        self.init(number: number, usagePercent: usagePercent, modes: CPUModes(&members))
    }
}

extension FileSystemSample: DecodableRow {
    /// Bytes are counted from gigabytes where there are no better ones.
    init?(row members: inout JSONMembers) {
        self.init()
        guard let mountPoint = members.string("mount_point") else { return nil }
        self.mountPoint = mountPoint
        let total = members.number("total_gb")
        let used = members.number("used_gb")
        let available = members.number("available_gb")
        type = members.string("filesystem") ?? ""
        device = members.string("device") ?? ""
        totalBytes = members.unsigned("total_bytes") ?? Self.bytes(total)
        usedBytes = members.unsigned("used_bytes") ?? Self.bytes(used)
        availableBytes = members.unsigned("available_bytes") ?? Self.bytes(available)
        inodes = members.unsigned("inodes") ?? 0
        inodesUsed = members.unsigned("inodes_used") ?? 0
    }

    private static func bytes(_ gibibytes: Double?) -> UInt64 {
        guard let gibibytes, gibibytes > 0, gibibytes < 0x1p33 else { return 0 }
        return UInt64(gibibytes * 0x1p30)
    }
}

extension DiskSample: DecodableRow {
    init?(row members: inout JSONMembers) {
        self.init()
        guard let name = members.string("name") else { return nil }
        self.name = name
        readOperations = members.unsigned("read_ops") ?? 0
        readBytes = members.unsigned("read_bytes") ?? 0
        readMilliseconds = members.unsigned("read_ms") ?? 0
        writeOperations = members.unsigned("write_ops") ?? 0
        writeBytes = members.unsigned("write_bytes") ?? 0
        writeMilliseconds = members.unsigned("write_ms") ?? 0
        busyMilliseconds = members.unsigned("busy_ms") ?? 0
        readBytesPerSecond = members.number("read_bytes_per_sec") ?? 0
        writeBytesPerSecond = members.number("write_bytes_per_sec") ?? 0
        readOperationsPerSecond = members.number("read_ops_per_sec") ?? 0
        writeOperationsPerSecond = members.number("write_ops_per_sec") ?? 0
        readLatencyMilliseconds = members.number("read_latency_ms") ?? 0
        writeLatencyMilliseconds = members.number("write_latency_ms") ?? 0
        utilizationPercent = members.number("utilization_percent") ?? 0
    }
}

extension InterfaceSample: DecodableRow {
    init?(row members: inout JSONMembers) {
        self.init()
        guard let name = members.string("name") else { return nil }
        self.name = name
        bytesReceived = members.unsigned("bytes_received") ?? 0
        bytesSent = members.unsigned("bytes_sent") ?? 0
        packetsReceived = members.unsigned("packets_received") ?? 0
        packetsSent = members.unsigned("packets_sent") ?? 0
        errorsIn = members.unsigned("errors_in") ?? 0
        errorsOut = members.unsigned("errors_out") ?? 0
        droppedIn = members.unsigned("dropped_in") ?? 0
        droppedOut = members.unsigned("dropped_out") ?? 0
        addresses = members.strings("ip_addresses")
        isUp = members.bool("is_up") ?? false
        macAddress = members.string("mac_address") ?? ""
        receivedBytesPerSecond = members.number("received_bytes_per_sec") ?? 0
        sentBytesPerSecond = members.number("sent_bytes_per_sec") ?? 0
    }
}

extension ProcessSample: DecodableRow {
    /// The second name of each pair is that of the agent's own documents.
    init?(row members: inout JSONMembers) {
        self.init()
        guard let pid = members.unsigned("pid") ?? members.unsigned("id"),
            let pid = UInt32(exactly: pid)
        else { return nil }
        self.pid = pid
        let parentPID = members.unsigned("ppid") ?? members.unsigned("parent_id")
        self.parentPID = parentPID.flatMap { UInt32(exactly: $0) } ?? 0
        name = members.string("name") ?? ""
        executablePath = members.string("exe_path") ?? members.string("executable_path")
        commandLine = members.string("cmd_line") ?? members.string("command_line") ?? ""
        cpuPercent = members.number("cpu_percent") ?? members.number("cpu_usage_percent") ?? 0
        memoryKiB = members.unsigned("memory_kb") ?? members.unsigned("memory_usage_kb") ?? 0
        status = members.string("status") ?? ""
        startedWallMilliseconds = members.timestamp("start_time") ?? 0
    }
}

extension ListeningPort: DecodableRow {
    /// `nil` for a port that nobody listens on, which the agent's own lists have too.
    init?(row members: inout JSONMembers) {
        self.init()
        guard let port = members.unsigned("port").flatMap({ UInt16(exactly: $0) }) else {
            return nil
        }
        self.port = port
        proto = members.string("protocol") ?? ""
        address = members.string("address") ?? ""
        state = members.string("state") ?? ""
        let pid = members.unsigned("pid") ?? members.unsigned("process_id")
        self.pid = pid.flatMap { UInt32(exactly: $0) }
        processName = members.string("process_name")
        executablePath = members.string("exe_path")
        if members.bool("is_listening") == false { return nil }
        connections = members.unsigned("connection_count") ?? 0
    }
}

extension ProbeError: DecodableRow {
    init?(row members: inout JSONMembers) {
        guard let probe = members.string("probe"), let reason = members.string("reason") else {
            return nil
        }
        self.init(probe: probe, reason: reason)
    }
}
