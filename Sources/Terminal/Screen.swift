/// A terminal's screen: turns views into the fewest bytes that bring it up to date.
///
/// Pure: what it returns is for the caller to write, one string in one write. See ``DashboardView``
/// for its use.
public struct Screen: Sendable {
    /// Takes the terminal over: alternate screen, no cursor, and no wrapping, so that a line that a
    /// terminal draws wider than was counted cannot break the next one.
    ///
    /// Source: xterm's "XTerm Control Sequences", DECSET 1049, 25 and 7.
    public static let enter = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l\u{1b}[H\u{1b}[2J"

    /// Gives it back as it was. Fit to be written by a signal handler, in whatever state the screen
    /// is.
    public static let leave = "\u{1b}[?2026l\u{1b}[0m\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l"

    /// Between these the terminal shows nothing, so that no frame is seen half done; one that does
    /// not know them ignores them. Source: the synchronized output specification of terminal-wg.
    private static let begin = "\u{1b}[?2026h"
    private static let end = "\u{1b}[?2026l"

    private var shown: [Line] = []
    /// `nil` when what the screen shows is not known.
    private var size: ViewSize?

    public init() {}

    /// What to write so that the screen shows `lines`: only those that changed, and nothing at all
    /// when none did. After a change of size everything is drawn again.
    ///
    /// Lines and columns beyond the size are left out.
    public mutating func frame(_ lines: [Line], size: ViewSize) -> String {
        let lines = lines.prefix(max(0, size.rows)).map { $0.cut(to: max(0, size.columns)) }
        var output = ""
        if size != self.size {
            output += "\u{1b}[0m\u{1b}[H\u{1b}[2J"
            shown = []
            self.size = size
        }
        for row in 0..<max(lines.count, shown.count) {
            let line = row < lines.count ? lines[row] : nil
            let before = row < shown.count ? shown[row] : nil
            guard line != before, line?.columns ?? 0 > 0 || before?.columns ?? 0 > 0 else {
                continue
            }
            output += "\u{1b}[\(row + 1);1H" + (line?.rendered ?? "")
            // Not after the last column: there the cursor stays on the character it just drew.
            if line?.columns ?? 0 < size.columns { output += "\u{1b}[K" }
        }
        shown = lines
        return output.isEmpty ? "" : Self.begin + output + Self.end
    }

    /// Forgets what the screen shows, so that the next frame draws everything: for when somebody
    /// else wrote to the terminal, or the process was stopped and goes on.
    public mutating func invalidate() {
        size = nil
    }
}
