import Glibc

extension Signals {
    /// The one that nobody can catch.
    public static let kill = SIGKILL
}
