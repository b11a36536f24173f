/// A list of findings: a mark, what was looked at, what was seen, and below it what to do.
///
/// ```
/// ✓ driver         virtio_console is loaded as a module
/// ✗ port           no port is named org.infinibay.agent; there are org.qemu.guest_agent.0
///                  → On the host, give it a channel as printed by: vireo config libvirt …
/// ```
///
/// Nothing in a text can act on a terminal: it goes through ``escaped(_:columnsMax:isASCII:)``.
public struct FindingsView: Sendable {
    /// How a finding is marked.
    public enum Mark: Sendable {
        case good, note, problem
    }

    public struct Row: Sendable {
        public var mark: Mark
        /// A word or two.
        public var title: String
        public var text: String
        public var remedy: String?

        public init(_ mark: Mark, _ title: String, _ text: String, remedy: String? = nil) {
            self.mark = mark
            self.title = title
            self.text = text
            self.remedy = remedy
        }
    }

    /// Columns of a title; a longer one is cut.
    static let titleColumns = 14
    /// Columns below which texts are not broken to fit: a word would stand on each line.
    static let textColumnsMin = 24

    public let appearance: Appearance

    public init(appearance: Appearance) {
        self.appearance = appearance
    }

    /// - Parameters:
    ///   - rows: the findings in their order.
    ///   - columns: texts are broken between words to fit; `nil` leaves each on one line, for
    ///     pipes, where others search in them.
    public func lines(of rows: [Row], columns: Int?) -> [Line] {
        rows.flatMap { lines(of: $0, columns: columns) }
    }

    private func lines(of row: Row, columns: Int?) -> [Line] {
        let left = markColumns + 1 + Self.titleColumns + 1
        let room = columns.map { $0 - left }
        let texts = broken(row.text, room)
        var lines: [Line] = []
        for (number, text) in texts.enumerated() {
            var line = Line(appearance)
            if number == 0 {
                line.append(mark(row.mark), style(row.mark), columns: markColumns)
                line.appendSpaces(1)
                line.append(row.title, .label, columns: Self.titleColumns)
                line.appendSpaces(1)
            } else {
                line.appendSpaces(left)
            }
            line.append(text, row.mark == .problem ? .strong : .plain)
            lines.append(line)
        }
        let arrow = appearance.usesUnicode ? "→ " : "> "
        let steps = row.remedy.map { remedy in broken(remedy, room.map { $0 - 2 }) } ?? []
        for (number, text) in steps.enumerated() {
            var line = Line(appearance)
            line.appendSpaces(left)
            line.append(number == 0 ? arrow : "  ", .accent)
            line.append(text)
            lines.append(line)
        }
        return lines
    }

    private func broken(_ text: String, _ room: Int?) -> [String] {
        guard let room, room >= Self.textColumnsMin else { return [text] }
        var lines: [String] = []
        var line = ""
        var columns = 0
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let width = displayColumns(of: escaped(String(word), isASCII: !appearance.usesUnicode))
            if columns > 0, columns + 1 + width > room {
                lines.append(line)
                line = ""
                columns = 0
            }
            if columns > 0 {
                line += " "
                columns += 1
            }
            line += word
            columns += width
        }
        return lines + [line]
    }

    private var markColumns: Int { appearance.usesUnicode ? 1 : 7 }

    private func mark(_ mark: Mark) -> String {
        switch mark {
        case .good: appearance.usesUnicode ? "✓" : "ok"
        case .note: appearance.usesUnicode ? "•" : "note"
        case .problem: appearance.usesUnicode ? "✗" : "PROBLEM"
        }
    }

    private func style(_ mark: Mark) -> Style {
        switch mark {
        case .good: .good
        case .note: .warning
        case .problem: .critical
        }
    }
}
