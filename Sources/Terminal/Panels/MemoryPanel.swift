import Wire

extension PanelContext {
    /// Memory and swap.
    func memory() -> Panel? {
        guard let memory = sample.memory else { return nil }
        var lines = [gauge("memory", percent: memory.usedPercent)]
        if memory.swapTotalKiB > 0 {
            lines.append(gauge("swap", percent: memory.swapPercent))
        }
        var details = [
            Pair("available", NumberFormat.kibibytes(memory.availableKiB)),
            Pair("cached", NumberFormat.kibibytes(memory.cachedKiB)),
            Pair("buffers", NumberFormat.kibibytes(memory.buffersKiB)),
            Pair("free", NumberFormat.kibibytes(memory.freeKiB)),
        ]
        if memory.swapTotalKiB > 0 {
            let used = NumberFormat.kibibytes(memory.swapUsedKiB)
            details.append(Pair("swap used", used))
            details.append(Pair("swap size", NumberFormat.kibibytes(memory.swapTotalKiB)))
        } else {
            details.append(Pair("swap", "none", .label))
        }
        lines += pairs(details)
        let drawn = lines
        var panel = Panel(
            title: "MEMORY", importance: 95, rowsMin: min(2, drawn.count), rowsMax: drawn.count
        ) { Array(drawn.prefix($0)) }
        let used = NumberFormat.kibibytes(memory.usedKiB)
        let total = NumberFormat.kibibytes(memory.totalKiB)
        panel.detail = { _ in "\(used) of \(total)" }
        return panel
    }

    /// How much waits to run, and how much waits for what.
    func load() -> Panel? {
        guard sample.load != nil || !sample.pressure.isEmpty else { return nil }
        var lines: [Line] = []
        if let load = sample.load {
            lines += pairs(
                [
                    Pair("1 min", NumberFormat.load(load.oneMinute), loadStyle(load.oneMinute)),
                    Pair("5 min", NumberFormat.load(load.fiveMinutes), loadStyle(load.fiveMinutes)),
                    Pair(
                        "15 min", NumberFormat.load(load.fifteenMinutes),
                        loadStyle(load.fifteenMinutes)),
                ], cellColumns: 15
            ).prefix(1)
        }
        if !sample.pressure.isEmpty {
            lines += pressure().lines(width: width, rowsMax: 5, appearance)
        }
        let drawn = lines
        var panel = Panel(title: "LOAD AND PRESSURE", importance: 70, rowsMax: drawn.count) {
            Array(drawn.prefix($0))
        }
        if let load = sample.load {
            let threads = NumberFormat.count(load.threads)
            panel.detail = { _ in "\(NumberFormat.count(load.runnable)) of \(threads) run" }
        }
        return panel
    }

    /// Yellow when all CPUs have something to do, red when twice as much waits.
    private func loadStyle(_ value: Double) -> Style {
        let cores = Double(max(sample.cpu?.cores.count ?? 1, 1))
        if value >= cores * 2 { return .critical }
        return value >= cores ? .warning : .strong
    }

    private func pressure() -> Table {
        var table = Table(columns: [
            .init(title: "waiting", width: .fixed(7), importance: 100),
            .init(title: "some, 10 s", width: .filling(11...40), importance: 90),
            .init(title: "60 s", width: .fixed(6), alignment: .right, importance: 40),
            .init(title: "300 s", width: .fixed(6), alignment: .right, importance: 30),
            .init(title: "all, 10 s", width: .fixed(9), alignment: .right, importance: 20),
        ])
        table.rows = sample.pressure.prefix(4).map { resource in
            [
                .text(resource.resource, .label), .gauge(resource.someAverage10),
                .text(NumberFormat.percent(resource.someAverage60)),
                .text(NumberFormat.percent(resource.someAverage300)),
                .text(NumberFormat.percent(resource.fullAverage10)),
            ]
        }
        return table
    }
}

extension MemorySample {
    var usedPercent: Double { share(usedKiB, of: totalKiB) }
    var swapPercent: Double { share(swapUsedKiB, of: swapTotalKiB) }
}
