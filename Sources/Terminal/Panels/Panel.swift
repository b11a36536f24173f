/// A titled part of the dashboard that can make do with fewer rows than it would like.
struct Panel {
    var title: String
    /// What stands at the right end of the title, for the number of rows that are shown.
    var detail: (Int) -> String = { _ in "" }
    var isAlarm = false
    /// The panel with the most gets its rows first.
    var importance: Int
    /// Below this the panel says nothing and is left out.
    var rowsMin = 1
    var rowsMax: Int
    /// So many lines or fewer.
    var draw: (_ rows: Int) -> [Line]

    /// A panel that is a table, with as many rows as there are things.
    init(_ title: String, _ table: Table, importance: Int, _ context: PanelContext) {
        let titles = table.hasTitles ? 1 : 0
        let count = table.rows.count
        self.init(
            title: title, importance: importance, rowsMin: min(3, count + titles),
            rowsMax: count + titles,
            draw: { table.lines(width: context.width, rowsMax: $0, context.appearance) })
        detail = { rows in
            let shown = min(count, rows > 1 ? rows - titles : rows)
            return shown < count ? "\(shown) of \(count)" : "\(count)"
        }
    }

    init(
        title: String, importance: Int, rowsMin: Int = 1, rowsMax: Int,
        draw: @escaping (_ rows: Int) -> [Line]
    ) {
        self.title = title
        self.importance = importance
        self.rowsMin = rowsMin
        self.rowsMax = rowsMax
        self.draw = draw
    }

    /// The title with its rule, then so many rows of content.
    func lines(rows: Int, width: Int, _ appearance: Appearance) -> [Line] {
        var heading = Line(appearance)
        heading.append(title, isAlarm ? .critical : .heading, columnsMax: width)
        var end = Line(appearance)
        let detail = detail(rows)
        if !detail.isEmpty {
            end.append(" ")
            end.append(detail, .label, columnsMax: max(0, width - heading.columns - 4))
        }
        let room = width - heading.columns - end.columns - 1
        if room >= 1 {
            heading.append(" ")
            heading.append(String(repeating: appearance.rule, count: room), .faint)
            heading.append(end)
        }
        return [heading] + draw(rows).prefix(rows)
    }
}

/// Stacks panels in a column of so many rows.
enum Stack {
    /// The lines of those panels that find room, at most `rows`, with `gap` empty ones between
    /// panels.
    static func lines(
        _ panels: [Panel], rows: Int, width: Int, gap: Int, _ appearance: Appearance
    ) -> [Line] {
        let rowsEach = allot(panels, rows: rows, gap: gap)
        var lines: [Line] = []
        for (panel, rows) in zip(panels, rowsEach) where rows > 0 {
            if !lines.isEmpty {
                lines.append(contentsOf: repeatElement(Line(appearance), count: gap))
            }
            lines.append(contentsOf: panel.lines(rows: rows, width: width, appearance))
        }
        return lines
    }

    /// The rows of content that each panel gets, 0 for one that is left out.
    static func allot(_ panels: [Panel], rows: Int, gap: Int) -> [Int] {
        var given = [Int](repeating: 0, count: panels.count)
        let byImportance = panels.indices.sorted { panels[$0].importance > panels[$1].importance }
        // The first panel has no gap above it.
        var left = rows + gap
        for index in byImportance {
            let cost = panels[index].rowsMin + 1 + gap
            guard panels[index].rowsMax > 0, cost <= left else { continue }
            given[index] = panels[index].rowsMin
            left -= cost
        }
        // A row at a time in turn, so that one long panel does not starve the others.
        while left > 0 {
            let before = left
            for index in byImportance where given[index] > 0 && left > 0 {
                guard given[index] < panels[index].rowsMax else { continue }
                given[index] += 1
                left -= 1
            }
            if left == before { break }
        }
        return given
    }
}
