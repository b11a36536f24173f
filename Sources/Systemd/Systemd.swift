import CLinux
import CSystemd
import Glibc
import Kernel

/// Tells the service manager how the service stands: READY, STATUS, RELOADING, STOPPING, WATCHDOG.
///
/// ```swift
/// let notifier = ServiceNotifier()
/// notifier.ready(status: "waiting for a host")
/// if let interval = notifier.watchdogMicroseconds { ... notifier.watchdog() ... }
/// notifier.stopping()
/// ```
///
/// Without a manager (`NOTIFY_SOCKET` unset) every call does nothing. A manager that does not read
/// never holds the caller up: what it has no room for is dropped and counted, READY and STOPPING
/// after a short wait. Source: sd_notify(3), sd_watchdog_enabled(3).
public final class ServiceNotifier {
    /// How often the manager wants to hear WATCHDOG=1, in microseconds; `nil` when it does not.
    public let watchdogMicroseconds: UInt64?
    /// Messages that the manager had no room for.
    public private(set) var dropped: UInt64 = 0
    /// Connected to the manager's socket, only to see whether it takes another datagram.
    /// Open as long as this lives; below 0 without a manager.
    private let probe: Int32

    /// How long READY, RELOADING and STOPPING wait for room, in milliseconds.
    private static let patienceMilliseconds: UInt32 = 200

    public init() {
        var microseconds: UInt64 = 0
        // SAFETY: a pointer to a local for the time of the call.
        let isWanted = unsafe sd_watchdog_enabled(0, &microseconds) > 0
        watchdogMicroseconds = isWanted && microseconds > 0 ? microseconds : nil
        // SAFETY: the path is a string of our own for the time of the call.
        let path = environmentVariable("NOTIFY_SOCKET")
        probe = path.map { unsafe clinux_datagram_connect($0) } ?? -1
    }

    deinit {
        if probe >= 0 { close(probe) }
    }

    /// The configuration is valid, and the port is open or known to be absent.
    public func ready(status: String) {
        send("READY=1\nSTATUS=\(Self.oneLine(status))", isPatient: true)
    }

    public func status(_ text: String) {
        send("STATUS=\(Self.oneLine(text))")
    }

    /// The configuration is being read again; ``ready(status:)`` follows. The monotonic time is
    /// what systemd 253 and newer want with it; older ones pass over it.
    public func reloading(monotonicMicroseconds: UInt64) {
        send("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)", isPatient: true)
    }

    public func stopping(status: String) {
        send("STOPPING=1\nSTATUS=\(Self.oneLine(status))", isPatient: true)
    }

    /// Says that the loop is alive. Only ever called from a completed cycle of it.
    public func watchdog() {
        send("WATCHDOG=1")
    }

    private func send(_ state: String, isPatient: Bool = false) {
        guard hasRoom(isPatient: isPatient) else {
            dropped += 1
            return
        }
        // SAFETY: the text is copied into a datagram during the call. A manager that is not there
        // is no error for a service.
        _ = unsafe sd_notify(0, state)
    }

    /// sd_notify waits while the manager's queue is full, so that is looked at first.
    private func hasRoom(isPatient: Bool) -> Bool {
        guard probe >= 0 else { return true }
        for attempt in 0...Self.patienceMilliseconds / 10 {
            if clinux_poll_now(probe, Int32(clinux_epoll_out)) != 0 { return true }
            guard isPatient, attempt < Self.patienceMilliseconds / 10 else { break }
            usleep(10_000)
        }
        return false
    }

    /// A newline would begin another assignment.
    private static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }
}
