/// What a guest says beside the messages that every host has to handle: for those that
/// ``GuestMessage`` calls `other`.
///
/// ```swift
/// if case .other = message, let notice = GuestNotice(parser.root) { log(notice) }
/// ```
public enum GuestNotice: Hashable, Sendable {
    case ping(Ping)
    case agentEvent(AgentEvent)
    case errorReport(ErrorReport)
    case circuitBreakerState(CircuitBreakerState)
    case connectionStatus(ConnectionStatus)
    case firewallEvent(FirewallEvent)
    case pendingScriptsRequest(PendingScriptsRequest)
    case scriptCompletion(ScriptCompletion)

    /// `nil` for a type that is none of these, and for one that lacks what it is about.
    public init?(_ root: JSONValue) {
        let notice: GuestNotice?
        switch root.member("type")?.string {
        case "ping": notice = Ping(root).map { .ping($0) }
        case "agent_event": notice = AgentEvent(root).map { .agentEvent($0) }
        case "error_report": notice = ErrorReport(root).map { .errorReport($0) }
        case "circuit_breaker_state":
            notice = CircuitBreakerState(root).map { .circuitBreakerState($0) }
        case "connection_status": notice = ConnectionStatus(root).map { .connectionStatus($0) }
        case "firewall_event": notice = .firewallEvent(FirewallEvent(root))
        case "request_pending_scripts":
            notice = .pendingScriptsRequest(PendingScriptsRequest(root))
        case "script_completion": notice = ScriptCompletion(root).map { .scriptCompletion($0) }
        default: notice = nil
        }
        guard let notice else { return nil }
        self = notice
    }

    /// The message that it holds, to be written again.
    public var message: any WireMessage & Sendable {
        switch self {
        case .ping(let message): message
        case .agentEvent(let message): message
        case .errorReport(let message): message
        case .circuitBreakerState(let message): message
        case .connectionStatus(let message): message
        case .firewallEvent(let message): message
        case .pendingScriptsRequest(let message): message
        case .scriptCompletion(let message): message
        }
    }
}
