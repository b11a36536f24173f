import CSystemd
import Glibc

/// Tells the service manager how the service stands: READY, STATUS, RELOADING, STOPPING, WATCHDOG.
///
/// ```swift
/// let notifier = ServiceNotifier()
/// notifier.ready(status: "waiting for a host")
/// if let interval = notifier.watchdogMicroseconds { ... notifier.watchdog() ... }
/// notifier.stopping()
/// ```
///
/// Without a manager (`NOTIFY_SOCKET` unset) every call does nothing. Source: sd_notify(3),
/// sd_watchdog_enabled(3).
public struct ServiceNotifier: Sendable {
    /// How often the manager wants to hear WATCHDOG=1, in microseconds; `nil` when it does not.
    public let watchdogMicroseconds: UInt64?

    public init() {
        var microseconds: UInt64 = 0
        // SAFETY: a pointer to a local for the time of the call.
        let isWanted = unsafe sd_watchdog_enabled(0, &microseconds) > 0
        watchdogMicroseconds = isWanted && microseconds > 0 ? microseconds : nil
    }

    /// The configuration is valid, and the port is open or known to be absent.
    public func ready(status: String) {
        send("READY=1\nSTATUS=\(Self.oneLine(status))")
    }

    public func status(_ text: String) {
        send("STATUS=\(Self.oneLine(text))")
    }

    /// The configuration is being read again; ``ready(status:)`` follows. The monotonic time is
    /// what systemd 253 and newer want with it; older ones pass over it.
    public func reloading(monotonicMicroseconds: UInt64) {
        send("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)")
    }

    public func stopping(status: String) {
        send("STOPPING=1\nSTATUS=\(Self.oneLine(status))")
    }

    /// Says that the loop is alive. Only ever called from a completed cycle of it.
    public func watchdog() {
        send("WATCHDOG=1")
    }

    private func send(_ state: String) {
        // SAFETY: the text is copied into a datagram during the call. A manager that is not there
        // is no error for a service.
        _ = unsafe sd_notify(0, state)
    }

    /// A newline would begin another assignment.
    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
