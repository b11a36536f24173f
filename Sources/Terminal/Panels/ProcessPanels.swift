import Wire

extension PanelContext {
    /// The processes that take most of the CPU.
    func processes() -> Panel? {
        guard !sample.processes.isEmpty else { return nil }
        var table = Table(columns: [
            .init(title: "pid", width: .fixed(7), alignment: .right, importance: 90),
            .init(title: "cpu", width: .fixed(6), alignment: .right, importance: 95),
            .init(title: "memory", width: .fixed(8), alignment: .right, importance: 80),
            .init(title: "name", width: .filling(10...20), importance: 100),
            .init(title: "state", width: .fixed(10), importance: 20),
            .init(title: "age", width: .fixed(8), alignment: .right, importance: 30),
            .init(title: "command", width: .filling(20...200), importance: 25),
        ])
        let order = sample.processes.indices.sorted { left, right in
            let (left, right) = (sample.processes[left], sample.processes[right])
            let (leftCPU, rightCPU) = (bounded(left.cpuPercent), bounded(right.cpuPercent))
            if leftCPU != rightCPU { return leftCPU > rightCPU }
            return left.memoryKiB > right.memoryKiB
        }
        table.rows = order.prefix(200).map { row(of: sample.processes[$0]) }
        return Panel("PROCESSES", table, importance: 85, self)
    }

    private func row(of process: ProcessSample) -> [Table.Cell] {
        let (age, isBeforeStart) = sample.wallMilliseconds.subtractingReportingOverflow(
            process.startedWallMilliseconds)
        let seconds = isBeforeStart || age < 0 ? 0 : UInt64(age) / 1000
        let isQuiet = process.cpuPercent < 0.05
        let isDead = process.status == "zombie" || process.status == "disk-sleep"
        return [
            .text(String(process.pid), .label),
            .text(NumberFormat.percent(process.cpuPercent), isQuiet ? .label : .strong),
            .text(NumberFormat.kibibytes(process.memoryKiB)),
            .text(process.name, isQuiet ? .plain : .accent),
            .text(process.status, isDead ? .warning : .label),
            .text(NumberFormat.duration(seconds: seconds), .label),
            .text(process.commandLine, .label),
        ]
    }

    /// Who listens where.
    func ports() -> Panel? {
        guard !sample.ports.isEmpty else { return nil }
        var table = Table(columns: [
            .init(title: "port", width: .fixed(5), alignment: .right, importance: 100),
            .init(title: "", width: .fixed(4), importance: 80),
            .init(title: "address", width: .content(9...24), importance: 40),
            .init(title: "process", width: .filling(8...24), importance: 90),
            .init(title: "pid", width: .fixed(7), alignment: .right, importance: 20),
            .init(title: "open", width: .fixed(5), alignment: .right, importance: 70),
            .init(title: "program", width: .filling(12...60), importance: 10),
        ])
        table.rows = sample.ports.prefix(500).map { port in
            [
                .text(String(port.port), .strong), .text(port.proto, .label),
                .text(port.address, .label),
                .text(port.processName ?? appearance.missing),
                .text(port.pid.map { String($0) } ?? appearance.missing, .label),
                .text(
                    NumberFormat.count(port.connections), port.connections > 0 ? .accent : .label),
                .text(port.executablePath ?? "", .label),
            ]
        }
        return Panel("LISTENING", table, importance: 55, self)
    }
}
