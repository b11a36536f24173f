import Wire

extension PanelContext {
    func fileSystems() -> Panel? {
        guard !sample.fileSystems.isEmpty else { return nil }
        var table = Table(columns: [
            .init(title: "mounted on", width: .content(10...24), importance: 100),
            .init(title: "used", width: .filling(13...40), importance: 90),
            .init(title: "free", width: .fixed(8), alignment: .right, importance: 80),
            .init(title: "of", width: .fixed(8), alignment: .right, importance: 60),
            .init(title: "inodes", width: .fixed(6), alignment: .right, importance: 50),
            .init(title: "type", width: .content(4...8), importance: 20),
            .init(title: "device", width: .content(6...20), importance: 10),
        ])
        table.rows = sample.fileSystems.map { system in
            let inodes = share(system.inodesUsed, of: system.inodes)
            return [
                .text(system.mountPoint), .gauge(system.usedPercent),
                .text(NumberFormat.bytes(system.availableBytes)),
                .text(NumberFormat.bytes(system.totalBytes), .label),
                system.inodes == 0
                    ? .text(appearance.missing, .label)
                    : .text(NumberFormat.wholePercent(inodes), inodes >= 90 ? .critical : .plain),
                .text(system.type, .label), .text(system.device, .label),
            ]
        }
        return Panel("FILE SYSTEMS", table, importance: 75, self)
    }

    func disks() -> Panel? {
        guard !sample.disks.isEmpty else { return nil }
        var table = Table(columns: [
            .init(title: "disk", width: .content(7...16), importance: 100),
            .init(title: "read/s", width: .fixed(8), alignment: .right, importance: 90),
            .init(title: "write/s", width: .fixed(8), alignment: .right, importance: 89),
            .init(title: "reads/s", width: .fixed(7), alignment: .right, importance: 20),
            .init(title: "writes/s", width: .fixed(8), alignment: .right, importance: 19),
            .init(title: "r lat", width: .fixed(7), alignment: .right, importance: 60),
            .init(title: "w lat", width: .fixed(7), alignment: .right, importance: 59),
            .init(title: "busy", width: .filling(6...30), importance: 40, isGauge: true),
        ])
        table.rows = sample.disks.map { disk in
            [
                .text(disk.name),
                rateCell(disk.readBytesPerSecond), rateCell(disk.writeBytesPerSecond),
                countCell(disk.readOperationsPerSecond), countCell(disk.writeOperationsPerSecond),
                latencyCell(disk.readLatencyMilliseconds),
                latencyCell(disk.writeLatencyMilliseconds),
                .gauge(disk.utilizationPercent),
            ]
        }
        return Panel("DISKS", table, importance: 72, self)
    }

    /// Zero is faint, so that what moves stands out.
    func rateCell(_ bytesPerSecond: Double) -> Table.Cell {
        .text(NumberFormat.bytes(bytesPerSecond), bytesPerSecond < 0.5 ? .label : .plain)
    }

    private func countCell(_ perSecond: Double) -> Table.Cell {
        let count = UInt64(bounded(perSecond).rounded())
        return .text(NumberFormat.count(count), count == 0 ? .label : .plain)
    }

    private func latencyCell(_ milliseconds: Double) -> Table.Cell {
        let style: Style = milliseconds >= 100 ? .critical : milliseconds >= 20 ? .warning : .plain
        return .text(
            NumberFormat.latency(milliseconds: milliseconds), milliseconds > 0 ? style : .label)
    }
}

extension FileSystemSample {
    /// As df(1) has it: of what an unprivileged user could have.
    var usedPercent: Double {
        let (reachable, overflow) = usedBytes.addingReportingOverflow(availableBytes)
        return share(usedBytes, of: overflow ? .max : reachable)
    }
}
