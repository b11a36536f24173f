import Wire

/// One guest on a whole terminal, as `vireo demo` and `vireo host watch` show it.
///
/// ```swift
/// let view = DashboardView(appearance: Appearance { environment[$0] })
/// var screen = Screen()
/// try write(Screen.enter)
/// for await guest in updates {
///     let size = ViewSize.ofTerminal(1) ?? ViewSize(columns: 80, rows: 24)
///     try write(screen.frame(view.lines(of: guest, in: size), size: size))
/// }
/// try write(Screen.leave)
/// ```
///
/// Wide terminals get two columns, short ones a line a thing. Panels that find no room are left
/// out, the least important first.
public struct DashboardView: Sendable {
    public let appearance: Appearance
    /// What stands in the last line, such as how to leave; nothing when empty.
    public var note: String

    /// Columns from which on there is room for two columns of panels.
    static let twoColumnsMin = 96
    /// Rows below which each thing gets one line.
    static let panelRowsMin = 20
    /// Rows from which on there is room for empty lines between panels.
    static let gapRowsMin = 30

    public init(appearance: Appearance, note: String = "") {
        self.appearance = appearance
        self.note = note
    }

    /// At most `size.rows` lines, none of them longer than `size.columns`.
    public func lines(of guest: GuestStatus, in size: ViewSize) -> [Line] {
        let rows = max(0, size.rows)
        let margin = size.columns >= 40 ? 1 : 0
        let width = max(0, size.columns - 2 * margin)
        let isCompact = rows < Self.panelRowsMin
        let noteRows = note.isEmpty || isCompact ? 0 : 1

        var lines = HeaderView(appearance: appearance)
            .lines(of: guest, width: width, rows: isCompact ? 2 : 4)
        if rows >= Self.gapRowsMin { lines.append(Line(appearance)) }
        let left = rows - lines.count - noteRows
        if let sample = guest.sample {
            let context = PanelContext(
                guest: guest, sample: sample, appearance: appearance, width: width, viewRows: rows)
            let body =
                isCompact ? CompactView(context: context).lines() : panels(context, rows: left)
            lines += guest.isStale ? body.map { $0.dimmed() } : body
        } else {
            lines += waiting(for: guest)
        }
        if noteRows > 0 {
            while lines.count < rows - 1 { lines.append(Line(appearance)) }
            var last = Line(appearance)
            last.append(note, .faint)
            lines = lines.prefix(rows - 1) + [last]
        }
        return lines.prefix(rows).map { framed($0, margin: margin, columns: size.columns) }
    }

    private func waiting(for guest: GuestStatus) -> [Line] {
        var texts = ["waiting for the first sample" + appearance.ellipsis]
        if guest.health == .bad {
            texts = [
                "waiting for this socket" + appearance.ellipsis,
                "Does the machine run, and is this the path= of its -chardev?",
                "More: vireo doctor --socket PATH",
            ]
        }
        return texts.map { text in
            var line = Line(appearance)
            line.append(text, .label)
            return line
        }
    }

    private func framed(_ line: Line, margin: Int, columns: Int) -> Line {
        guard margin > 0, line.columns > 0 else { return line.cut(to: max(0, columns)) }
        var framed = Line(appearance)
        framed.appendSpaces(margin)
        framed.append(line)
        return framed.cut(to: columns)
    }

    private func panels(_ context: PanelContext, rows: Int) -> [Line] {
        let gap = context.viewRows >= Self.gapRowsMin ? 1 : 0
        guard context.width + 2 >= Self.twoColumnsMin else {
            let panels = [
                context.processor(), context.memory(), context.load(), context.network(),
                context.disks(), context.fileSystems(), context.problems(), context.processes(),
                context.ports(), context.agent(),
            ]
            return Stack.lines(
                panels.compactMap { $0 }, rows: rows, width: context.width, gap: gap, appearance)
        }
        let gutter = 3
        let leftContext = context.narrowed(to: (context.width - gutter) / 2)
        let rightContext = context.narrowed(to: context.width - gutter - leftContext.width)
        let left = Stack.lines(
            [
                leftContext.processor(), leftContext.memory(), leftContext.load(),
                leftContext.processes(),
            ].compactMap { $0 }, rows: rows, width: leftContext.width, gap: gap, appearance)
        let right = Stack.lines(
            [
                rightContext.network(), rightContext.disks(), rightContext.fileSystems(),
                rightContext.problems(), rightContext.ports(), rightContext.agent(),
            ].compactMap { $0 }, rows: rows, width: rightContext.width, gap: gap, appearance)
        return (0..<max(left.count, right.count)).map { row in
            var line = row < left.count ? left[row].cut(to: leftContext.width) : Line(appearance)
            guard row < right.count, right[row].columns > 0 else { return line }
            line.pad(to: leftContext.width + gutter)
            line.append(right[row])
            return line
        }
    }
}

extension PanelContext {
    func narrowed(to width: Int) -> PanelContext {
        PanelContext(
            guest: guest, sample: sample, appearance: appearance, width: width,
            viewRows: viewRows)
    }
}
