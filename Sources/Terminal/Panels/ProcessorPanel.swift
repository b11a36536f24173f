import Wire

extension PanelContext {
    /// The CPUs together, where their time goes, their recent past, and each of them.
    func processor() -> Panel? {
        guard let cpu = sample.cpu else { return nil }
        let grid = (cpu.cores.count + coresInRow - 1) / coresInRow
        let wanted = 1 + max(graphRows, 2) + min(grid, Self.coreRowsMax)
        var panel = Panel(title: "CPU", importance: 100, rowsMax: wanted) { rows in
            processorLines(cpu, rows: rows)
        }
        panel.detail = { _ in cpu.cores.count == 1 ? "1 core" : "\(cpu.cores.count) cores" }
        return panel
    }

    /// One has no room for text beside it; each more shows where one more share of the time goes.
    private var graphRows: Int { viewRows >= 46 ? 4 : viewRows >= 30 ? 3 : 1 }

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
        lines += cores.prefix(coreRows)
        let recent = guest.history.cpuPercent
        if left > 1, graphRows > 1 {
            let labels = shares().prefix(min(left, graphRows)).map(shareLine)
            lines += graph(beside: labels, recent, highest: 100, style: Style.graph)
        } else {
            if left > 0 { lines.append(sharesLine()) }
            if left > 1 {
                var label = line()
                label.append("recent", .label)
                lines += graph(beside: [label], recent, highest: 100, style: Style.graph)
            }
        }
        return lines
    }

    /// The most telling first: what finds no room is left out.
    private func shares() -> [Pair] {
        let shares = guest.history.shares
        func pair(_ label: String, _ value: Double?) -> Pair {
            Pair(label, value.map(NumberFormat.percent) ?? appearance.missing)
        }
        return [
            pair("user", shares?.user), pair("system", shares?.system),
            pair("iowait", shares?.ioWait), pair("steal", shares?.steal), pair("irq", shares?.irq),
        ]
    }

    private func shareLine(_ pair: Pair) -> Line {
        var line = line()
        line.append(pair.label, .label, columns: Self.labelColumns)
        line.append(pair.value, columns: 6, .right)
        return line
    }

    private func sharesLine() -> Line {
        let cell = 15
        return pairs(Array(shares().prefix(max(1, (width + 1) / cell))), cellColumns: cell)[0]
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
