import IOEngine

/// One row of the document's table, as it was measured in one direction.
public struct PortRow: Sendable {
    public enum Test: String, Sendable {
        case small = "small message"
        case large = "100 KB message"
        case bulk = "sustained throughput"
        case operations = "operations a second"
    }

    public enum Direction: String, Sendable {
        /// From the guest, answered or counted by the host.
        case out
        /// From the host.
        case `in`
    }

    public let test: Test
    public let direction: Direction
    public let lineBytes: Int
    public let frames: UInt64
    public let cost: Cost
    /// Of the round trip, where there is one.
    public let times: Percentiles?

    var framesPerSecond: Double { Double(frames) / max(cost.seconds, 1e-9) }
    var megabytesPerSecond: Double { framesPerSecond * Double(lineBytes) / 1e6 }

    /// What the document says: a latency in milliseconds, or a rate.
    public var document: String {
        switch test {
        case .small: "< 1 ms"
        case .large: "5 to 10 ms"
        case .bulk: "100+ MB/s"
        case .operations: "10,000+ op/s"
        }
    }

    /// How many times better than the document's figure, for 100 KB its better end.
    public var factor: Double {
        switch test {
        case .small: 1000 / max(times?.p50 ?? 0, 0.001)
        case .large: 5000 / max(times?.p50 ?? 0, 0.001)
        case .bulk: megabytesPerSecond / 100
        case .operations: framesPerSecond / 10_000
        }
    }

    var figure: String {
        switch test {
        case .small, .large:
            guard let times else { return "" }
            let values = [times.p50, times.p99, times.p999].map { decimal($0 / 1000, digits: 3) }
            return values.joined(separator: " / ") + " ms"
        case .bulk: return "\(decimal(megabytesPerSecond, digits: 1)) MB/s"
        case .operations: return "\(grouped(UInt64(framesPerSecond))) op/s"
        }
    }

    public var row: Row {
        let bytes = frames * UInt64(lineBytes)
        var row = Row.throughput("port", frames: frames, bytes: bytes, cost)
        row.add("test", .text(test.rawValue))
        row.add("direction", .text(direction.rawValue))
        row.add("line_bytes", .count(UInt64(lineBytes)))
        if let times {
            row.add("p50_us", .number(times.p50))
            row.add("p99_us", .number(times.p99))
            row.add("p999_us", .number(times.p999))
            row.add("max_us", .number(times.worst))
        }
        row.add("document", .text(document))
        row.add("times_better_than_document", .number(factor))
        return row
    }
}

/// The document's performance table with what was measured beside it.
public struct PortTable: Sendable {
    public let rows: [PortRow]
    /// What was measured: the path that was opened.
    public let port: String

    /// Whether every row is at least as good as the document says.
    public var isAsDocumented: Bool { rows.allSatisfy { $0.factor >= 1 } }

    /// One JSON object a line.
    public var json: String { rows.map { $0.row.json + "\n" }.joined() }

    /// A picture: how many times better than the document, on a logarithmic scale.
    ///
    /// - Parameter usesBlocks: whether the bars may be other than ASCII.
    public func picture(usesBlocks: Bool) -> String {
        var text = pad("", 26) + pad("document", 14) + pad("measured (p50 / p99 / p99.9)", 32)
        text += "times better: 1, 10, 100, 1000\n"
        for row in rows {
            text += pad("\(row.test.rawValue) \(row.direction.rawValue)", 26)
            text += pad(row.document, 14) + pad(row.figure, 32)
            text += bar(row.factor, usesBlocks) + "\n"
        }
        let engine = rows.first?.cost.engine.rawValue ?? ""
        return text
            + "out: from this side, in: from the host; round trips for messages; \(engine)\n"
    }

    /// Eight columns for each power of ten.
    private func bar(_ factor: Double, _ usesBlocks: Bool) -> String {
        guard factor >= 1 else { return "! \(decimal(factor, digits: 2)) x" }
        var columns = 1
        var reached = 1.0
        let step = 1.333_521_432_163_324
        while reached * step <= factor, columns < 40 {
            reached *= step
            columns += 1
        }
        let figure = decimal(factor, digits: factor < 10 ? 1 : 0)
        return String(repeating: usesBlocks ? "\u{2588}" : "#", count: columns) + " \(figure) x"
    }

    private func pad(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(1, columns - text.count))
    }
}
