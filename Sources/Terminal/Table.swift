/// A table that fits its width: columns give way by importance, and what is left over is shared
/// out.
struct Table {
    struct Column {
        enum Width {
            /// For numbers: the same in each frame, whatever they are, so that nothing jumps.
            case fixed(Int)
            /// As wide as its longest text, within bounds: for names that stay.
            case content(ClosedRange<Int>)
            /// Takes its share of what is left over, within bounds.
            case filling(ClosedRange<Int>)
        }

        var title: String
        var width: Width
        var alignment = Alignment.left
        /// The column with the least goes first where the room does not do.
        var importance = 10
        var isGauge = false
    }

    enum Cell {
        case text(String, Style = .plain)
        /// A bar with its percentage in the last 7 columns; the percentage alone where that is too
        /// narrow.
        case gauge(Double)
        case line(Line)

        var columns: Int {
            switch self {
            case .text(let text, _): fitted(text, columnsMax: 64, isASCII: false).columns
            case .gauge: 0
            case .line(let line): line.columns
            }
        }
    }

    var columns: [Column]
    var rows: [[Cell]] = []
    /// Rows, by their index, whose numbers are too old to be looked at.
    var dimmedRows: Set<Int> = []
    /// A table without titles saves a row.
    var hasTitles = true

    /// Lines of exactly `width` columns or less, the titles first.
    func lines(width: Int, rowsMax: Int, _ appearance: Appearance) -> [Line] {
        let gap = width < 64 ? 1 : 2
        let widths = self.widths(in: width, gap: gap)
        var lines: [Line] = []
        if hasTitles, rowsMax > 1 {
            lines.append(titles(widths, gap, appearance))
        }
        for (index, row) in rows.prefix(max(0, rowsMax - lines.count)).enumerated() {
            let line = line(row, widths, gap, appearance)
            lines.append(dimmedRows.contains(index) ? line.dimmed() : line)
        }
        return lines.map { $0.cut(to: width) }
    }

    private func titles(_ widths: [Int?], _ gap: Int, _ appearance: Appearance) -> Line {
        var line = Line(appearance)
        for (column, width) in zip(columns, widths) {
            guard let width else { continue }
            if line.columns > 0 { line.appendSpaces(gap) }
            let isBareGauge = column.isGauge && width < Self.gaugeColumnsMin
            line.append(
                column.title, .faint, columns: width, isBareGauge ? .right : column.alignment)
        }
        return line
    }

    /// Columns below which a gauge is its percentage alone.
    private static let gaugeColumnsMin = 12

    private func line(
        _ cells: [Cell], _ widths: [Int?], _ gap: Int, _ appearance: Appearance
    ) -> Line {
        var line = Line(appearance)
        for (index, cell) in cells.enumerated() {
            guard let width = widths[index] else { continue }
            if line.columns > 0 { line.appendSpaces(gap) }
            switch cell {
            case .text(let text, let style):
                line.append(text, style, columns: width, columns[index].alignment)
            case .gauge(let percent):
                let bar = width < Self.gaugeColumnsMin ? 0 : width - 7
                line.appendBar(percent: percent, columns: bar)
                line.append(NumberFormat.percent(percent), columns: width - bar, .right)
            case .line(let inner):
                let end = line.columns + width
                line.append(inner.cut(to: width))
                line.pad(to: end)
            }
        }
        return line
    }

    /// The width of each column, `nil` for one that is left out.
    private func widths(in width: Int, gap: Int) -> [Int?] {
        var widths: [Int?] = columns.indices.map { leastWidth($0) }
        func total() -> Int {
            let shown = widths.compactMap { $0 }
            return shown.reduce(0, +) + gap * max(0, shown.count - 1)
        }
        while total() > width {
            let shown = columns.indices.filter { widths[$0] != nil }
            guard shown.count > 1 else { break }
            let least = shown.min { columns[$0].importance < columns[$1].importance }
            widths[least!] = nil
        }
        var left = width - total()
        while left > 0 {
            let growing = columns.indices.filter { mayGrow($0, widths[$0]) }
            if growing.isEmpty { break }
            // One column at a time to the narrowest: they end up alike, and no share is lost.
            let narrowest = growing.min { widths[$0]! < widths[$1]! }
            widths[narrowest!]! += 1
            left -= 1
        }
        return widths
    }

    private func leastWidth(_ index: Int) -> Int {
        switch columns[index].width {
        case .fixed(let width): width
        case .filling(let range): range.lowerBound
        case .content(let range):
            min(
                max(rows.lazy.prefix(64).map { $0[index].columns }.max() ?? 0, range.lowerBound),
                range.upperBound)
        }
    }

    private func mayGrow(_ index: Int, _ width: Int?) -> Bool {
        guard let width, case .filling(let range) = columns[index].width else { return false }
        return width < range.upperBound
    }
}
