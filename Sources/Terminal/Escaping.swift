/// `text` with everything that could act on a terminal, or hide in one, made visible.
///
/// Nothing that a guest says may reach a terminal otherwise: a process can call itself `ESC ] 0 ;
/// …`, and a terminal would obey. ``Line`` does this to all that is put into it.
///
/// ```swift
/// escaped("a\u{1b}[2J")                    // a\u{1b}[2J, as plain characters
/// escaped(name, columnsMax: 16)  // at most 16 columns, with … at the end of a longer one
/// ```
///
/// Escaped are the control characters (C0, DEL, C1), line and paragraph separators, format
/// characters (among them U+202A to U+202E and U+2066 to U+2069, which turn the direction of
/// writing), what is invisible by default, private use and what Unicode has not assigned; a
/// combining mark that has nothing to stand on, and from the third on a base. A backslash stays as
/// it is: this is for eyes, not for reading back.
///
/// - Parameters:
///   - text: anything.
///   - columnsMax: a longer text is cut to this many columns, never inside an escape.
///   - isASCII: all that is not ASCII is escaped too, and `~` takes the place of `…`.
public func escaped(_ text: String, columnsMax: Int = .max, isASCII: Bool = false) -> String {
    fitted(text, columnsMax: columnsMax, isASCII: isASCII).text
}

/// The same with the number of columns that came of it.
func fitted(_ text: String, columnsMax: Int, isASCII: Bool) -> (text: String, columns: Int) {
    var escaper = Escaper(columnsMax: max(0, columnsMax), isASCII: isASCII)
    for scalar in text.unicodeScalars {
        // Cuts a text of a megabyte short where the line ends, not where the text does.
        guard escaper.append(scalar) else { break }
    }
    return (String(decoding: escaper.output, as: UTF8.self), escaper.columns)
}

private struct Escaper {
    let columnsMax: Int
    let isASCII: Bool
    var output: [UInt8] = []
    var columns = 0
    /// The longest part of the output that leaves a column for the ellipsis.
    private var cut = (bytes: 0, columns: 0)
    /// Marks that the last base can still take.
    private var marksLeft = 0

    init(columnsMax: Int, isASCII: Bool) {
        self.columnsMax = columnsMax
        self.isASCII = isASCII
    }

    /// Returns `false` when the text was cut here.
    mutating func append(_ scalar: Unicode.Scalar) -> Bool {
        if columns < columnsMax { cut = (output.count, columns) }
        if (0x20..<0x7f).contains(scalar.value) {
            guard columns < columnsMax else { return end() }
            output.append(UInt8(scalar.value))
            columns += 1
            marksLeft = 2
            return true
        }
        return appendUnusual(scalar)
    }

    private mutating func appendUnusual(_ scalar: Unicode.Scalar) -> Bool {
        let isMark = isCombining(scalar)
        if mustEscape(scalar, isASCII: isASCII) || (isMark && marksLeft == 0) {
            let escape = visibleEscape(scalar)
            guard columns + escape.utf8.count <= columnsMax else { return end() }
            output.append(contentsOf: escape.utf8)
            columns += escape.utf8.count
            marksLeft = 0
            return true
        }
        let width = displayColumns(of: scalar)
        guard columns + width <= columnsMax else { return end() }
        output.append(contentsOf: UTF8.encode(scalar)!)
        columns += width
        marksLeft = isMark ? marksLeft - 1 : 2
        return true
    }

    private mutating func end() -> Bool {
        output.removeSubrange(cut.bytes...)
        columns = cut.columns
        if columnsMax > 0 {
            output.append(contentsOf: (isASCII ? "~" : "…").utf8)
            columns += 1
        }
        return false
    }
}

private func mustEscape(_ scalar: Unicode.Scalar, isASCII: Bool) -> Bool {
    if scalar.value < 0xa0 { return true }
    if isASCII || scalar.properties.isDefaultIgnorableCodePoint { return true }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: return true
    case .surrogate, .privateUse, .unassigned: return true
    default: return false
    }
}

private func visibleEscape(_ scalar: Unicode.Scalar) -> String {
    "\\u{" + String(scalar.value, radix: 16) + "}"
}
