/// One line of a view: pieces of text, each with a style, and the number of columns they take.
///
/// A line cannot hold anything that acts on a terminal: whatever is put into it goes through
/// ``escaped(_:columnsMax:isASCII:)``, and its own colours are added only by ``rendered``.
public struct Line: Sendable, Equatable {
    struct Piece: Sendable, Equatable {
        var text: String
        var style: Style
    }

    let appearance: Appearance
    private(set) var pieces: [Piece] = []
    /// Columns that the line takes in a terminal.
    public private(set) var columns = 0

    /// More than any terminal is wide: so much of one text is looked at, however long it is.
    static let columnsMax = 2048

    init(_ appearance: Appearance) {
        self.appearance = appearance
    }

    /// The text without colours.
    public var text: String {
        pieces.reduce(into: "") { $0 += $1.text }
    }

    /// The text with colours, which begin and end within the line; without any when the appearance
    /// has none.
    public var rendered: String {
        guard appearance.usesColour else { return text }
        var output = ""
        var current = Style.plain
        for piece in pieces {
            if piece.style != current {
                let parameters = piece.style.parameters(appearance)
                // Beginning with 0 a sequence replaces the colours before it.
                output += parameters.isEmpty ? "\u{1b}[0m" : "\u{1b}[0;\(parameters)m"
                current = piece.style
            }
            output += piece.text
        }
        if current != .plain { output += "\u{1b}[0m" }
        return output
    }

    /// Appends `text`, escaped, and cut to `columnsMax` columns.
    mutating func append(
        _ text: String, _ style: Style = .plain, columnsMax: Int = Line.columnsMax
    ) {
        let piece = fitted(text, columnsMax: columnsMax, isASCII: !appearance.usesUnicode)
        add(piece.text, columns: piece.columns, style)
    }

    /// Appends `text` in a field of `columns`: cut when longer, filled with spaces when shorter.
    mutating func append(
        _ text: String, _ style: Style = .plain, columns: Int, _ alignment: Alignment = .left
    ) {
        let piece = fitted(text, columnsMax: columns, isASCII: !appearance.usesUnicode)
        let room = max(0, columns - piece.columns)
        if alignment == .right { appendSpaces(room) }
        add(piece.text, columns: piece.columns, style)
        if alignment == .left { appendSpaces(room) }
    }

    mutating func append(_ line: Line) {
        for piece in line.pieces { add(piece.text, columns: 0, piece.style) }
        columns += line.columns
    }

    mutating func appendSpaces(_ count: Int, _ style: Style = .plain) {
        guard count > 0 else { return }
        add(String(repeating: " ", count: count), columns: count, style)
    }

    /// The same text in the colours of what is no longer true.
    func dimmed() -> Line {
        var line = self
        for index in line.pieces.indices { line.pieces[index].style = pieces[index].style.dimmed }
        return line
    }

    /// Fills up with spaces to `columns`.
    mutating func pad(to columns: Int) {
        appendSpaces(columns - self.columns)
    }

    /// The line if it takes at most `most` columns, else its beginning with an ellipsis.
    func cut(to most: Int) -> Line {
        guard columns > most else { return self }
        var shorter = Line(appearance)
        for piece in pieces {
            let room = most - shorter.columns
            let width = displayColumns(of: piece.text)
            // A piece that just fits is cut too when another one follows that would not.
            if width > room || (width == room && shorter.columns + width < columns) {
                shorter.append(piece.text + appearance.ellipsis, piece.style, columnsMax: room)
                break
            }
            shorter.add(piece.text, columns: width, piece.style)
        }
        return shorter
    }

    /// `text` must be escaped.
    private mutating func add(_ text: String, columns: Int, _ style: Style) {
        self.columns += columns
        guard !text.isEmpty else { return }
        if pieces.last?.style == style {
            pieces[pieces.count - 1].text += text
        } else {
            pieces.append(Piece(text: text, style: style))
        }
    }
}

/// On which side of a field a text stands.
enum Alignment {
    case left
    case right
}
