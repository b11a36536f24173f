import Wire

/// What every panel draws from, and the pieces that they share.
struct PanelContext {
    let guest: GuestStatus
    let sample: MetricsSample
    let appearance: Appearance
    /// Columns of the panel.
    let width: Int
    /// Rows that a graph over time may take.
    let graphRows: Int

    /// Columns of the word before a bar, the same in all panels so that bars line up.
    static let labelColumns = 8
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

    /// A graph over time with a word before its first row: lines from the highest row down.
    func graph(
        _ label: (text: String, style: Style), _ values: [Double], highest: Double, rows: Int,
        style: (Double) -> Style
    ) -> [Line] {
        (0..<max(0, rows)).map { row in
            var line = line()
            // The word stands at the foot, where the graph's baseline is.
            let isFoot = row == rows - 1
            line.append(
                isFoot ? label.text : "", label.style, columns: Self.labelColumns + 11)
            let columns = min(width - line.columns, History.samplesMax)
            line.appendGraph(
                values, highest: highest, row: row, of: rows, columns: columns, style: style)
            return line
        }
    }

    /// A word and what it stands for, in cells of equal width; as many in a row as fit.
    func pairs(_ pairs: [Pair], cellColumns: Int = 23) -> [Line] {
        let perRow = max(1, min(pairs.count, (width + 1) / cellColumns))
        let cell = width / perRow
        return stride(from: 0, to: pairs.count, by: perRow).map { start in
            var line = line()
            for (index, pair) in pairs[start..<min(start + perRow, pairs.count)].enumerated() {
                line.pad(to: index * cell)
                var text = self.line()
                text.append(pair.label + " ", .label)
                text.append(pair.value, pair.style)
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
