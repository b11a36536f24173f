import Wire

/// What every panel draws from, and the pieces that they share.
struct PanelContext {
    let guest: GuestStatus
    let sample: MetricsSample
    let appearance: Appearance
    /// Columns of the panel.
    let width: Int
    /// Rows of the whole view, on which depends how high graphs are.
    let viewRows: Int

    /// Columns of the word before a bar, the same in all panels so that bars line up.
    static let labelColumns = 8
    /// Columns of the text before a graph.
    static let graphLabelColumns = 17
    /// Columns of the percentage after a bar.
    static let percentColumns = 7

    func line() -> Line { Line(appearance) }

    /// `memory ███████····  65.0%`
    func gauge(_ label: String, percent: Double) -> Line {
        var line = line()
        line.append(label, .label, columns: min(Self.labelColumns, max(0, width - 10)))
        line.appendBar(percent: percent, columns: width - line.columns - Self.percentColumns)
        line.append(
            NumberFormat.percent(percent), percent >= 90 ? .critical : .strong,
            columns: Self.percentColumns, .right)
        return line
    }

    /// A graph over time with a line of text before each of its rows, the highest first. Its newest
    /// value stands at the panel's right edge.
    func graph(
        beside labels: [Line], _ values: [Double], highest: Double, style: (Double) -> Style
    ) -> [Line] {
        labels.enumerated().map { row, label in
            let columns = min(Self.graphLabelColumns, max(0, width - 8))
            var line = label.cut(to: columns)
            line.pad(to: columns)
            line.appendGraph(
                values, highest: highest, row: row, of: labels.count,
                columns: width - line.columns, style: style)
            return line
        }
    }

    /// A word and what it stands for, in cells of equal width; as many in a row as fit.
    func pairs(_ pairs: [Pair], cellColumns: Int = 23) -> [Line] {
        let perRow = max(1, min(pairs.count, (width + 1) / cellColumns))
        let cell = min(width / perRow, 30)
        // All labels of a column are as wide as its longest, so that the values stand in line.
        let labels = (0..<perRow).map { column in
            stride(from: column, to: pairs.count, by: perRow)
                .map { displayColumns(of: pairs[$0].label) }.max() ?? 0
        }
        return stride(from: 0, to: pairs.count, by: perRow).map { start in
            var line = line()
            for (index, pair) in pairs[start..<min(start + perRow, pairs.count)].enumerated() {
                line.pad(to: index * cell)
                var text = self.line()
                text.append(pair.label, .label, columns: labels[index])
                text.append(" " + pair.value, pair.style)
                line.append(text.cut(to: index == perRow - 1 ? width - line.columns : cell - 1))
            }
            return line
        }
    }

    struct Pair {
        var label: String
        var value: String
        var style: Style

        init(_ label: String, _ value: String, _ style: Style = .plain) {
            self.label = label
            self.value = value
            self.style = style
        }
    }
}

/// The share of `part` in `whole` in percent, 0 of nothing.
func share(_ part: UInt64, of whole: UInt64) -> Double {
    whole == 0 ? 0 : min(Double(part) / Double(whole) * 100, 100)
}
