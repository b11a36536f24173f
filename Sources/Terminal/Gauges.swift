/// Bars and sparklines, drawn into a line.
extension Line {
    /// A bar of `columns` cells, filled to `percent` in eighths of a cell, in the colour of its
    /// level.
    mutating func appendBar(percent: Double, columns: Int, style: Style? = nil) {
        guard columns > 0 else { return }
        let percent = bounded(percent, upTo: 100)
        let style = style ?? .level(percent)
        let steps = appearance.usesUnicode ? 8 : 1
        var filled = Int((percent / 100 * Double(columns * steps)).rounded())
        // Something is never shown as nothing, and nearly all never as all.
        if percent > 0 { filled = max(filled, appearance.usesUnicode ? 1 : 0) }
        if percent < 99.95 { filled = min(filled, columns * steps - 1) }
        var bar = String(repeating: appearance.usesUnicode ? "█" : "#", count: filled / steps)
        if filled % steps > 0 { bar += Self.eighthsWide[filled % steps - 1] }
        append(bar, appearance.usesColour ? style.onTrack : style)
        let empty = columns - (filled + steps - 1) / steps
        guard empty > 0 else { return }
        if appearance.usesColour {
            appendSpaces(empty, .track)
        } else {
            let glyph = appearance.usesUnicode ? "·" : "."
            append(String(repeating: glyph, count: empty), .faint)
        }
    }

    private static let eighthsWide = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    private static let eighthsHigh = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let stepsASCII = [" ", "_", ".", ":", "-", "=", "+", "*", "#"]

    /// One row of a graph of `rows`, of which row 0 is the highest: a column a value, the newest at
    /// the right end, in `columns`.
    ///
    /// - Parameter highest: the value that fills a column; below it a column is filled in eighths
    ///   of a row.
    mutating func appendGraph(
        _ values: [Double], highest: Double, row: Int = 0, of rows: Int = 1, columns: Int,
        style: (Double) -> Style
    ) {
        let shown = values.suffix(max(0, columns))
        appendSpaces(columns - shown.count)
        let glyphs = appearance.usesUnicode ? Self.eighthsHigh : Self.stepsASCII
        for value in shown {
            let value = bounded(value, upTo: highest)
            let share = highest > 0 ? value / highest : 0
            // The lowest row always has its baseline, so that no traffic is told from no sample.
            let steps = max(1, Int((share * Double(rows * 8)).rounded()))
            let below = (rows - 1 - row) * 8
            let glyph = glyphs[min(max(steps - below, 0), 8)]
            append(glyph, steps == 1 ? .faint : style(value))
        }
    }
}
