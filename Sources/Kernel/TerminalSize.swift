import Glibc

/// How many columns and rows a terminal has.
///
/// Source: ioctl_tty(2), TIOCGWINSZ.
public struct TerminalSize: Hashable, Sendable {
    public let columns: Int
    public let rows: Int

    /// The size of the terminal behind `descriptor`. Both are 0 on a terminal that was never told
    /// its size, such as a serial console.
    ///
    /// - Throws: ENOTTY when it is not a terminal, EBADF when it is not open.
    public static func of(_ descriptor: Int32) throws(Errno) -> TerminalSize {
        var raw = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &raw) == 0 else { throw .current }
        return TerminalSize(columns: Int(raw.ws_col), rows: Int(raw.ws_row))
    }
}

extension FileDescriptor {
    /// Whether `number` is open on a terminal. Source: isatty(3).
    public static func isTerminal(_ number: Int32) -> Bool {
        isatty(number) == 1
    }
}
