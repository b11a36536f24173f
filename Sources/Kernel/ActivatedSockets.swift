import CLinux
import Glibc

/// Sockets that the service manager listens on for us. Source: sd_listen_fds(3), systemd.socket(5).
public enum ActivatedSockets {
    /// The sockets handed to this process, in order, close-on-exec and non-blocking from here on;
    /// their variables are taken out of the environment. To be called once, before threads run.
    public static func take() -> [Int32] {
        // SAFETY: nothing changes the environment while one thread runs.
        defer {
            for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        }
        guard let pid = environmentVariable("LISTEN_PID").flatMap({ Int32($0) }), pid == getpid(),
            let count = environmentVariable("LISTEN_FDS").flatMap({ Int32($0) }),
            (1...64).contains(count)
        else { return [] }
        return (3..<3 + count).filter { number in
            let flags = fcntl(number, F_GETFL)
            return flags >= 0 && fcntl(number, F_SETFD, FD_CLOEXEC) >= 0
                && fcntl(number, F_SETFL, flags | O_NONBLOCK) >= 0
        }
    }
}
