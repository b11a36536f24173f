/// What a host can read: guest to host, from this agent or from InfiniService's.
public enum GuestMessage: Sendable {
    case handshake(Handshake)
    case metrics(MetricsMessage)
    case error(ErrorMessage)
    case keepAlive(KeepAlive)
    case response(CommandResponse)
    case skipped(Skipped)
    /// Any other type, such as `ping`, `agent_event` or `circuit_breaker_state`.
    case other(type: String)
    case invalid(MessageFault)

    /// Takes a whole message to pieces; unknown members are ignored.
    ///
    /// Older agents send responses without a `type`: what has `id` and `success` is one.
    public init(_ root: JSONValue) {
        guard let type = root.member("type") else {
            self =
                CommandResponse(root).map { .response($0) } ?? .invalid(MessageFault(root))
            return
        }
        if type.equals("metrics") {
            self = MetricsMessage(root).map { .metrics($0) } ?? .invalid(MessageFault(root))
        } else if type.equals("handshake") {
            self = .handshake(Handshake(root))
        } else if type.equals("keep_alive") {
            self = KeepAlive(.answer, root).map { .keepAlive($0) } ?? .invalid(MessageFault(root))
        } else if type.equals("response") {
            self = CommandResponse(root).map { .response($0) } ?? .invalid(MessageFault(root))
        } else if type.equals("error") {
            self = ErrorMessage(root).map { .error($0) } ?? .invalid(MessageFault(root))
        } else if type.equals("skipped") {
            self = Skipped(root).map { .skipped($0) } ?? .invalid(MessageFault(root))
        } else if let type = type.string {
            self = .other(type: type)
        } else {
            self = .invalid(MessageFault(root))
        }
    }
}
