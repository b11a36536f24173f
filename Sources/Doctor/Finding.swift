/// One thing that was looked at: what was seen, and what to do if that is not as it should be.
public struct Finding: Equatable, Sendable {
    /// What is looked at, in the order in which things depend on each other.
    public enum Check: String, CaseIterable, Sendable {
        // In the guest.
        case driver, port, link, access, holder, host, engine
        case lockedMemory = "locked-memory"
        case service, watchdog, clock, configuration
        case roundTrip = "round-trip"
        // On the host.
        case socket, listener, client, monitor, agent
    }

    public enum Severity: String, Sendable {
        case ok
        /// Nothing is wrong, but it is worth knowing, or could not be seen.
        case note
        /// Something is wrong, and ``Finding/remedy`` says what to do.
        case problem
    }

    public let check: Check
    public let severity: Severity
    /// What was seen, as a clause without a full stop.
    public let seen: String
    /// A command, or a concrete step. A problem always has one.
    public let remedy: String?

    static func ok(_ check: Check, _ seen: String) -> Finding {
        Finding(check: check, severity: .ok, seen: seen, remedy: nil)
    }

    static func note(_ check: Check, _ seen: String, remedy: String? = nil) -> Finding {
        Finding(check: check, severity: .note, seen: seen, remedy: remedy)
    }

    static func problem(_ check: Check, _ seen: String, remedy: String) -> Finding {
        Finding(check: check, severity: .problem, seen: seen, remedy: remedy)
    }
}
