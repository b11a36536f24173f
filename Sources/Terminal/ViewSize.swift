import Kernel

/// How much room there is, in character cells.
public struct ViewSize: Sendable, Hashable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// The size of the terminal behind `descriptor`, 80x24 where it does not know its own; `nil`
    /// when it is not a terminal. To be asked again after SIGWINCH.
    public static func ofTerminal(_ descriptor: Int32) -> ViewSize? {
        guard let size = try? TerminalSize.of(descriptor) else { return nil }
        guard size.columns > 0, size.rows > 0 else { return ViewSize(columns: 80, rows: 24) }
        return ViewSize(columns: size.columns, rows: size.rows)
    }
}

/// Whether `descriptor` is a terminal, so that a view is worth drawing; else ``PlainRows`` are.
public func isTerminal(_ descriptor: Int32) -> Bool {
    FileDescriptor.isTerminal(descriptor)
}
