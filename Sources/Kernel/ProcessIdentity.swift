import CLinux
import Glibc

/// Who this process is, and what it may.
public enum ProcessIdentity {
    /// The effective user id.
    public static var user: UInt32 { geteuid() }

    /// The soft limit of locked memory in bytes; `nil` when there is none. getrlimit(2).
    public static var lockedMemoryBytesMax: UInt64? {
        var limit = rlimit()
        // SAFETY: the result is written into a local.
        guard unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0,
            limit.rlim_cur != rlim_t.max
        else { return nil }
        return UInt64(limit.rlim_cur)
    }

    /// Whether this process may use the file so, by access(2) of the effective ids.
    public static func mayReadAndWrite(_ path: String) -> Bool {
        unsafe faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0
    }
}

extension WallTime {
    /// Whether the kernel takes its clock for synchronised, by NTP or a clock of the host; `nil`
    /// where it does not say. adjtimex(2).
    public static var isSynchronised: Bool? {
        let answer = clinux_clock_is_synchronised()
        return answer < 0 ? nil : answer == 1
    }
}
