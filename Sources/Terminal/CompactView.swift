import Wire

/// One line for each thing that matters, for terminals of few rows.
struct CompactView {
    let context: PanelContext

    /// The most telling first: the caller takes as many as there is room for.
    func lines() -> [Line] {
        let sample = context.sample
        var lines: [Line] = []
        if let cpu = sample.cpu {
            lines.append(context.gauge("cpu", percent: cpu.usagePercent))
        }
        if let memory = sample.memory {
            lines.append(context.gauge("memory", percent: memory.usedPercent))
        }
        if !sample.probeErrors.isEmpty { lines.append(problems()) }
        if !sample.interfaces.isEmpty {
            let totals = NetworkTotals(sample.interfaces)
            lines.append(
                rates(
                    "network", totals.receivedBytesPerSecond, totals.sentBytesPerSecond,
                    arrows: (context.appearance.down, context.appearance.up)))
        }
        if let fullest = sample.fullestFileSystem {
            lines.append(context.gauge(fullest.mountPoint, percent: fullest.usedPercent))
        }
        if let load = sample.load { lines.append(averages(load)) }
        if !sample.disks.isEmpty {
            let totals = DiskTotals(sample.disks)
            lines.append(
                rates(
                    "disks", totals.readBytesPerSecond, totals.writtenBytesPerSecond,
                    arrows: ("r", "w")))
        }
        if let memory = sample.memory, memory.swapTotalKiB > 0 {
            lines.append(context.gauge("swap", percent: memory.swapPercent))
        }
        if let busiest = sample.busiestProcess { lines.append(process(busiest)) }
        return lines
    }

    private func labelled(_ label: String) -> Line {
        var line = context.line()
        line.append(label, .label, columns: min(PanelContext.labelColumns, context.width))
        return line
    }

    private func rates(
        _ label: String, _ first: Double, _ second: Double, arrows: (String, String)
    ) -> Line {
        var line = labelled(label)
        line.append(arrows.0 + " ", .faint)
        line.append(NumberFormat.rate(first), columns: 12)
        line.append(arrows.1 + " ", .faint)
        line.append(NumberFormat.rate(second))
        return line
    }

    private func averages(_ load: LoadSample) -> Line {
        var line = labelled("load")
        for value in [load.oneMinute, load.fiveMinutes, load.fifteenMinutes] {
            line.append(NumberFormat.load(value) + "  ")
        }
        return line
    }

    private func process(_ process: ProcessSample) -> Line {
        var line = labelled("busiest")
        line.append(NumberFormat.percent(process.cpuPercent) + " ", .strong)
        line.append(process.name, .accent, columnsMax: max(1, context.width - line.columns))
        return line
    }

    private func problems() -> Line {
        var line = labelled("probes")
        let names = context.sample.probeErrors.prefix(8).map(\.probe).joined(separator: ", ")
        line.append("failed: ", .critical)
        line.append(names, columnsMax: max(1, context.width - line.columns))
        return line
    }
}

/// Rates over all disks.
struct DiskTotals {
    var readBytesPerSecond = 0.0
    var writtenBytesPerSecond = 0.0

    init(_ disks: [DiskSample]) {
        for disk in disks {
            readBytesPerSecond += bounded(disk.readBytesPerSecond)
            writtenBytesPerSecond += bounded(disk.writeBytesPerSecond)
        }
    }
}

extension MetricsSample {
    var fullestFileSystem: FileSystemSample? {
        fileSystems.max { $0.usedPercent < $1.usedPercent }
    }

    var busiestProcess: ProcessSample? {
        processes.max { bounded($0.cpuPercent) < bounded($1.cpuPercent) }
    }
}
