import Wire

extension PanelContext {
    /// What came and went, its recent past, and each interface.
    func network() -> Panel? {
        guard !sample.interfaces.isEmpty else { return nil }
        let table = interfaces()
        let states = tcpStates()
        let wanted = graphRows * 2 + table.rows.count + 1 + states.count
        var panel = Panel(title: "NETWORK", importance: 90, rowsMin: 2, rowsMax: wanted) { rows in
            let listed = min(rows - 2, table.rows.count + 1)
            let isTall = rows - listed >= graphRows * 2
            var lines = networkGraphs(rows: isTall ? graphRows : 1)
            lines += table.lines(width: width, rowsMax: listed, appearance)
            return lines + states
        }
        let addresses = sample.interfaces.lazy.filter { $0.name != "lo" }.flatMap(\.addresses)
        let first = addresses.first { !$0.contains(":") } ?? addresses.first ?? ""
        panel.detail = { _ in first }
        return panel
    }

    private var graphRows: Int { viewRows >= 46 ? 3 : viewRows >= 30 ? 2 : 1 }

    private func networkGraphs(rows: Int) -> [Line] {
        let totals = NetworkTotals(sample.interfaces)
        let history = guest.history
        func lines(_ arrow: String, _ rate: Double, _ values: [Double]) -> [Line] {
            let peak = values.max() ?? 0
            var labels = [Line](repeating: line(), count: rows)
            labels[rows - 1].append(arrow + " " + NumberFormat.rate(rate), .strong)
            // What the height of the graph stands for.
            if rows > 1 {
                labels[rows - 2].append("  " + NumberFormat.bytes(peak) + " peak", .label)
            }
            return graph(
                beside: labels, values, highest: max(peak, 1024), style: { _ in .graph })
        }
        return lines(appearance.down, totals.receivedBytesPerSecond, history.receivedBytesPerSecond)
            + lines(appearance.up, totals.sentBytesPerSecond, history.sentBytesPerSecond)
    }

    private func interfaces() -> Table {
        var table = Table(columns: [
            .init(title: "interface", width: .content(9...16), importance: 100),
            .init(title: "in/s", width: .fixed(8), alignment: .right, importance: 90),
            .init(title: "out/s", width: .fixed(8), alignment: .right, importance: 89),
            .init(title: "errors", width: .fixed(6), alignment: .right, importance: 50),
            .init(title: "drops", width: .fixed(6), alignment: .right, importance: 49),
            .init(title: "received", width: .fixed(8), alignment: .right, importance: 20),
            .init(title: "sent", width: .fixed(8), alignment: .right, importance: 19),
            .init(title: "addresses", width: .filling(15...60), importance: 10),
        ])
        table.rows = sample.interfaces.map { interface in
            let errors = sum(interface.errorsIn, interface.errorsOut)
            let drops = sum(interface.droppedIn, interface.droppedOut)
            return [
                .text(interface.name, interface.isUp ? .plain : .faint),
                rateCell(interface.receivedBytesPerSecond), rateCell(interface.sentBytesPerSecond),
                .text(NumberFormat.count(errors), errors > 0 ? .warning : .label),
                .text(NumberFormat.count(drops), drops > 0 ? .warning : .label),
                .text(NumberFormat.bytes(interface.bytesReceived), .label),
                .text(NumberFormat.bytes(interface.bytesSent), .label),
                .text(interface.addresses.prefix(4).joined(separator: " "), .label),
            ]
        }
        return table
    }

    private func tcpStates() -> [Line] {
        guard !sample.tcpStates.isEmpty else { return [] }
        var line = line()
        line.append("tcp", .label)
        for state in sample.tcpStates.prefix(12) where state.count > 0 {
            line.append("  " + NumberFormat.count(state.count) + " ")
            line.append(state.state.lowercased(), .label, columnsMax: 24)
        }
        return [line.cut(to: width)]
    }
}

/// Stays at the largest number there is: what a guest says must not make the host trap.
func sum(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflow) = one.addingReportingOverflow(other)
    return overflow ? .max : sum
}
