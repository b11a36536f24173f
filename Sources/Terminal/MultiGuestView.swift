import Wire

/// Many guests on one terminal, a line each.
///
/// Used like ``DashboardView``.
public struct MultiGuestView: Sendable {
    public let appearance: Appearance
    /// What stands in the last line, such as how to leave; nothing when empty.
    public var note: String

    public init(appearance: Appearance, note: String = "") {
        self.appearance = appearance
        self.note = note
    }

    /// At most `size.rows` lines, none of them longer than `size.columns`; guests in the order
    /// given.
    public func lines(of guests: [GuestStatus], in size: ViewSize) -> [Line] {
        let rows = max(0, size.rows)
        let margin = size.columns >= 40 ? 1 : 0
        let width = max(0, size.columns - 2 * margin)
        let noteRows = note.isEmpty || rows < 6 ? 0 : 1
        var lines = [summary(guests)]
        if rows >= 6 { lines.append(Line(appearance)) }
        let room = rows - lines.count - noteRows
        // The titles take a row; when guests are left out, so does saying so.
        let isTooMany = guests.count > room - 1
        let shown = max(0, isTooMany ? room - 2 : guests.count)
        lines += table(guests.prefix(shown)).lines(width: width, rowsMax: shown + 1, appearance)
        if isTooMany {
            var more = Line(appearance)
            more.append("\(guests.count - shown) more", .label)
            lines.append(more)
        }
        if noteRows > 0 {
            while lines.count < rows - 1 { lines.append(Line(appearance)) }
            var last = Line(appearance)
            last.append(note, .faint)
            lines.append(last)
        }
        return lines.prefix(rows).map { line in
            var framed = Line(appearance)
            framed.appendSpaces(line.columns > 0 ? margin : 0)
            framed.append(line)
            return framed.cut(to: max(0, size.columns))
        }
    }

    private func summary(_ guests: [GuestStatus]) -> Line {
        var line = Line(appearance)
        line.append(guests.count == 1 ? "1 guest" : "\(guests.count) guests", .strong)
        for (health, word) in [(Health.good, "well"), (.waiting, "waiting"), (.bad, "in trouble")] {
            let count = guests.count { $0.health == health }
            guard count > 0 else { continue }
            line.append("  " + appearance.dot, health.style)
            line.append(" \(count) \(word)", .label)
        }
        return line
    }

    private func table(_ guests: ArraySlice<GuestStatus>) -> Table {
        var table = Table(columns: [
            .init(title: "guest", width: .content(8...28), importance: 100),
            .init(title: "state", width: .content(9...20), importance: 95),
            .init(title: "cpu", width: .filling(6...30), importance: 90, isGauge: true),
            .init(title: "", width: .fixed(12), importance: 20),
            .init(title: "memory", width: .filling(6...30), importance: 80, isGauge: true),
            .init(title: "load", width: .fixed(6), alignment: .right, importance: 40),
            .init(title: "in/s", width: .fixed(8), alignment: .right, importance: 60),
            .init(title: "out/s", width: .fixed(8), alignment: .right, importance: 59),
            .init(title: "disk", width: .fixed(4), alignment: .right, importance: 45),
            .init(title: "age", width: .fixed(6), alignment: .right, importance: 70),
        ])
        table.rows = guests.map(row)
        table.dimmedRows = Set(guests.enumerated().filter { $0.element.isStale }.map(\.offset))
        return table
    }

    private func row(of guest: GuestStatus) -> [Table.Cell] {
        let nothing = Table.Cell.text(appearance.missing, .faint)
        let sample = guest.sample
        let totals = sample.map { NetworkTotals($0.interfaces) }
        func rate(_ value: Double?) -> Table.Cell {
            guard let value else { return nothing }
            return .text(NumberFormat.bytes(value), value < 0.5 ? .label : .plain)
        }
        var recent = Line(appearance)
        recent.appendGraph(
            guest.history.cpuPercent, highest: 100, columns: 12, style: Style.graph)
        return [
            .text(guest.name, .strong), .line(state(of: guest)),
            (sample?.cpu?.usagePercent).map(Table.Cell.gauge) ?? nothing,
            .line(recent),
            (sample?.memory?.usedPercent).map(Table.Cell.gauge) ?? nothing,
            (sample?.load?.oneMinute).map { .text(NumberFormat.load($0)) } ?? nothing,
            rate(totals?.receivedBytesPerSecond), rate(totals?.sentBytesPerSecond),
            (sample?.fullestFileSystem?.usedPercent).map {
                .text(NumberFormat.wholePercent($0), $0 >= 90 ? .critical : .plain)
            } ?? nothing,
            guest.ageMilliseconds.map {
                .text(NumberFormat.age(milliseconds: $0), .age(milliseconds: $0))
            } ?? nothing,
        ]
    }

    private func state(of guest: GuestStatus) -> Line {
        var line = Line(appearance)
        line.append(appearance.dot + " ", guest.health.style)
        line.append(guest.state, .label, columnsMax: 18)
        return line
    }
}
