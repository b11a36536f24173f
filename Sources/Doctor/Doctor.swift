/// Says what is wrong with a guest, or with a guest's socket on the host, and what to do about it.
///
/// The document's troubleshooting section, made executable. Looking and judging are apart: a view
/// is plain values that somebody read from the system, and the checks are pure functions of it.
///
/// ```swift
/// let view = GuestReader().view()
/// let report = Doctor.examine(view)
/// for finding in report.findings { print(finding.severity, finding.seen, finding.remedy ?? "") }
/// exit(report.isHealthy ? 0 : 69)
/// ```
///
/// No port is ever opened: the host would see that, whoever holds the port is refused what he does
/// next, and what waits in it would be lost. A socket on the host is attached to only when nobody
/// else is seen there.
///
/// Source: the document, "Troubleshooting"; facts, "The guest's device" and "The host's socket".
public enum Doctor {
    /// Examines a guest from the inside.
    public static func examine(_ view: GuestView) -> DoctorReport {
        let checks: [(GuestView) -> Finding?] = [
            driver, port, link, access, holder, host, engine, lockedMemory, service, watchdog,
            clock, configuration, roundTrip,
        ]
        return DoctorReport(side: .guest, findings: checks.compactMap { $0(view) })
    }

    /// Examines a guest's socket on the host.
    public static func examine(_ view: HostView) -> DoctorReport {
        let checks: [(HostView) -> Finding?] = [socket, listener, monitor, hostPort, client, agent]
        return DoctorReport(side: .host, findings: checks.compactMap { $0(view) })
    }
}
