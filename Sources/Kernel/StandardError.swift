import Glibc

/// Descriptor 2.
public enum StandardError {
    /// Makes writes to it fail instead of wait. Not for a terminal, whose other users would see
    /// that too.
    public static func setNonBlocking() {
        let flags = fcntl(STDERR_FILENO, F_GETFL)
        if flags >= 0 { _ = fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK) }
    }
}
