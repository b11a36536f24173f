/// Stopping the writes of this machine's file systems for a moment, and never longer.
///
/// ```
/// vireo-freeze hold NAME              waits for requests; descriptor 3 is its life line
/// vireo-freeze freeze --holder NAME --deadline S [-- POINT...]
/// vireo-freeze thaw [--holder NAME]   without a holder: every file system
/// ```
///
/// A process of its own holds file systems frozen, because nobody else can help a frozen machine:
/// no log is written, no login succeeds, an agent that was killed is not started again. So it
///
/// - reads the mounts, opens every mount point and locks its memory before it freezes anything, and
///   from then on neither opens, writes nor logs: what it says goes through a socket that no file
///   system holds;
/// - thaws when asked, when its deadline passes, when its life line closes because the process that
///   started it has ended or was killed, when the one that asked goes away before it had its
///   answer, and on SIGTERM, SIGINT and SIGHUP;
/// - freezes on a thread of its own, for FIFREEZE waits for a flush that a dead disk never ends:
///   whatever freezes after the deadline is thawed at once.
///
/// Should the holder itself be killed with SIGKILL, `vireo-freeze thaw` thaws every file system;
/// the service's unit runs it as `ExecStopPost=`.
public enum FreezeLimits {
    /// Seconds without a request after which a holder ends: its client is started together with it.
    static let idleSeconds: Int64 = 10
    /// Seconds for which a client waits for the holder to listen.
    static let connectSeconds = 5
    /// Seconds for which file systems stay frozen at most, whatever is asked.
    static let deadlineSecondsMax: Int64 = 600
    /// File systems in one machine, each with an open descriptor.
    static let fileSystemsMax = 256
    /// Bytes of a request: all mount points of a long table.
    static let requestBytesMax = 65_536
    /// Bytes of the table of mounts.
    static let tableBytesMax = 4 << 20
}
