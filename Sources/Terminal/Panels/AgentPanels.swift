import Wire

extension PanelContext {
    /// What the agent says of itself.
    func agent() -> Panel? {
        guard let agent = sample.agent else { return nil }
        let cost = Double(sample.costMicroseconds) / 1000
        let cpuSeconds = agent.cpuMilliseconds / 1000
        let lines = pairs([
            Pair("sample cost", NumberFormat.latency(milliseconds: cost), .strong),
            Pair("dropped", NumberFormat.count(agent.metricsDropped), alarm(agent.metricsDropped)),
            Pair("frames out", NumberFormat.count(agent.framesSent)),
            Pair("frames in", NumberFormat.count(agent.framesReceived)),
            Pair("bytes out", NumberFormat.bytes(agent.bytesSent)),
            Pair("bytes in", NumberFormat.bytes(agent.bytesReceived)),
            Pair("refused", NumberFormat.count(agent.framesRefused), alarm(agent.framesRefused)),
            Pair("hosts seen", NumberFormat.count(agent.hostArrivals)),
            Pair("resident", NumberFormat.kibibytes(agent.residentKiB)),
            Pair("cpu time", NumberFormat.duration(seconds: cpuSeconds)),
        ])
        var panel = Panel(
            title: "AGENT", importance: 50, rowsMin: min(2, lines.count), rowsMax: lines.count
        ) {
            Array(lines.prefix($0))
        }
        let cgroup = sample.system?.cgroup ?? ""
        panel.detail = { _ in cgroup }
        return panel
    }

    private func alarm(_ count: UInt64) -> Style {
        count > 0 ? .warning : .plain
    }

    /// The probes that failed.
    func problems() -> Panel? {
        guard !sample.probeErrors.isEmpty else { return nil }
        var table = Table(columns: [
            .init(title: "probe", width: .content(5...16), importance: 100),
            .init(title: "reason", width: .filling(8...400), importance: 90),
        ])
        table.hasTitles = false
        table.rows = sample.probeErrors.prefix(50).map { error in
            [.text(error.probe, .warning), .text(error.reason)]
        }
        var panel = Panel("PROBES THAT FAILED", table, importance: 88, self)
        panel.isAlarm = true
        panel.rowsMax = min(panel.rowsMax, 6)
        return panel
    }
}
