import Wire

extension PanelContext {
    /// The CPUs together, where their time goes, their recent past, and each of them.
    func processor() -> Panel? {
        guard let cpu = sample.cpu else { return nil }
        let grid = (cpu.cores.count + coresInRow - 1) / coresInRow
        let wanted = 2 + graphRows + min(grid, Self.coreRowsMax)
        var panel = Panel(title: "CPU", importance: 100, rowsMax: wanted) { rows in
            processorLines(cpu, rows: rows)
        }
        panel.detail = { _ in cpu.cores.count == 1 ? "1 core" : "\(cpu.cores.count) cores" }
        return panel
    }

    /// With more rows than this of bars a core is drawn as one character.
    private static let coreRowsMax = 8
    /// The least that a core's number, bar and percentage take.
    private static let coreColumns = 19

    /// A power of two, as the number of cores mostly is.
    private var coresInRow: Int {
        var count = 1
        while (count * 2) * Self.coreColumns <= width + 2, count < 16 { count *= 2 }
        return count
    }

    private func processorLines(_ cpu: CPUSample, rows: Int) -> [Line] {
        var lines = [gauge("total", percent: bounded(cpu.usagePercent, upTo: 100))]
        var left = rows - 1
        let grid = coreGrid(cpu.cores)
        let cores = grid.count <= min(left, Self.coreRowsMax) ? grid : coreStrip(cpu.cores)
        let coreRows = min(cores.count, left)
        left -= coreRows
        let graphed = min(graphRows, left)
        left -= graphed
        if left > 0 { lines.append(shares()) }
        lines += cores.prefix(coreRows)
        lines += graph(
            ("last \(guest.history.cpuPercent.count)", .faint), guest.history.cpuPercent,
            highest: 100, rows: graphed, style: Style.level)
        return lines
    }

    private func shares() -> Line {
        let shares = guest.history.shares
        func pair(_ label: String, _ value: Double?) -> Pair {
            Pair(label, value.map(NumberFormat.percent) ?? appearance.missing)
        }
        let all = [
            pair("user", shares?.user), pair("system", shares?.system),
            pair("iowait", shares?.ioWait), pair("steal", shares?.steal), pair("irq", shares?.irq),
        ]
        // What does not fit in one row is left out, the least telling first.
        let cell = 15
        return pairs(Array(all.prefix(max(1, (width + 1) / cell))), cellColumns: cell)[0]
    }

    /// `0 ██████··· 45%` side by side.
    private func coreGrid(_ cores: [CPUSample.Core]) -> [Line] {
        guard cores.count <= coresInRow * Self.coreRowsMax else { return [] }
        let gap = 2
        let cell = (width + gap) / coresInRow - gap
        return stride(from: 0, to: cores.count, by: coresInRow).map { start in
            var line = line()
            for (index, core) in cores[start..<min(start + coresInRow, cores.count)].enumerated() {
                line.pad(to: index * (cell + gap))
                line.append(String(min(max(core.number, 0), 9999)), .label, columns: 3, .right)
                line.append(" ")
                line.appendBar(percent: core.usagePercent, columns: cell - 9)
                line.append(NumberFormat.wholePercent(core.usagePercent), columns: 5, .right)
            }
            return line
        }
    }

    /// One character a core, for machines with many.
    private func coreStrip(_ cores: [CPUSample.Core]) -> [Line] {
        let label = min(Self.labelColumns, max(0, width - 10))
        let room = max(1, width - label)
        return stride(from: 0, to: min(cores.count, room * Self.coreRowsMax), by: room).map {
            start in
            var line = line()
            line.append(start == 0 ? "cores" : "", .label, columns: label)
            let values = cores[start..<min(start + room, cores.count)].map(\.usagePercent)
            line.appendGraph(values, highest: 100, columns: values.count, style: Style.level)
            return line
        }
    }
}
