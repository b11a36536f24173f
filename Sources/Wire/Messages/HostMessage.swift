/// What a guest can read: host to guest.
///
/// ```swift
/// try parser.parse(frame)
/// let message = HostMessage(parser.root)
/// if let reply = message.errorReply(wallMilliseconds: now) { ... }
/// ```
public enum HostMessage: Hashable, Sendable {
    case metricsRequest(MetricsRequest)
    case keepAliveRequest(KeepAlive)
    /// To be ignored: an answer would be answered again, for ever.
    case keepAliveResponse
    case handshakeRequest
    case handshakeAcknowledgement(HandshakeAcknowledgement)
    case acknowledgement(Acknowledgement)
    case command(Command)
    case signed(SignedEnvelope)
    /// `error` or `response`: not for a guest, and never answered.
    case unanswerable(type: String)
    case unknown(type: String, id: String?)
    case invalid(MessageFault)

    /// Takes a whole message to pieces; unknown members are ignored.
    public init(_ root: JSONValue) {
        guard let name = root.member("type"), name.type == .string else {
            self = .invalid(MessageFault(root))
            return
        }
        if let frequent = Self.frequent(name, root) {
            self = frequent
            return
        }
        let type = name.string ?? ""
        switch type {
        case "Metrics": self = .metricsRequest(MetricsRequest(id: root.identifier("id")))
        case "handshake_request": self = .handshakeRequest
        case "handshake_ack":
            self =
                HandshakeAcknowledgement(root).map { .handshakeAcknowledgement($0) }
                ?? .invalid(MessageFault(root))
        case "keep_alive_response": self = .keepAliveResponse
        case "error", "response": self = .unanswerable(type: type)
        default:
            self =
                Self.command(type, root) ?? .unknown(type: type, id: root.identifier("id"))
        }
    }

    /// What comes again and again, told without a copy of its type; `nil` for any other.
    private static func frequent(_ name: JSONValue, _ root: JSONValue) -> HostMessage? {
        let message: HostMessage?
        if name.equals("ack") {
            message = Acknowledgement(root).map { .acknowledgement($0) }
        } else if name.equals("keep_alive_request") {
            message = KeepAlive(.request, root).map { .keepAliveRequest($0) }
        } else {
            return nil
        }
        return message ?? .invalid(MessageFault(root))
    }

    /// `nil` for a type of another kind.
    private static func command(_ type: String, _ root: JSONValue) -> HostMessage? {
        let message: HostMessage?
        if type == "signed" {
            message = SignedEnvelope(root).map { .signed($0) }
        } else if let kind = Command.Kind(rawValue: type) {
            message = Command(kind, root).map { .command($0) }
        } else {
            return nil
        }
        return message ?? .invalid(MessageFault(root))
    }
}

extension HostMessage {
    /// The error to answer with, if this is to be answered with one: unknown types and messages
    /// that lack something, but never `error`, `ack` or `response`.
    public func errorReply(wallMilliseconds: Int64) -> ErrorMessage? {
        var details = ErrorMessage.Details()
        switch self {
        case .unknown(let type, let id):
            details.type = type.echo
            return ErrorMessage(
                .unknownCommand, id: id, details: details, wallMilliseconds: wallMilliseconds)
        case .invalid(let fault):
            if let type = fault.type, ["ack", "error", "response"].contains(type) { return nil }
            details.type = fault.type?.echo
            details.reason = fault.description
            return ErrorMessage(
                .invalidMessage, id: fault.id, details: details,
                wallMilliseconds: wallMilliseconds)
        default:
            return nil
        }
    }
}

/// A message that is JSON and yet says nothing.
public struct MessageFault: Hashable, Sendable {
    /// `nil` when the message is no object, or has no `type` that is a string.
    public var type: String?
    public var id: String?
    public var isObject: Bool

    init(_ root: JSONValue) {
        isObject = root.type == .object
        type = root.member("type")?.string
        id = root.identifier("id")
    }
}

extension MessageFault: CustomStringConvertible {
    /// What is wrong, and what the sender has to change.
    public var description: String {
        guard isObject else { return "not an object: send one JSON object a line" }
        guard type != nil else { return "no type: name the message in a string member \"type\"" }
        return "a member is missing, of the wrong type or too long: see the protocol for this type"
    }
}

extension String {
    /// As much of a stranger's text as a reply may repeat, cut between characters.
    var echo: String {
        var bytes = 0
        let end = unicodeScalars.firstIndex { scalar in
            bytes += UTF8.width(scalar)
            return bytes > WireLimits.echoBytesMax
        }
        return String(unicodeScalars[..<(end ?? unicodeScalars.endIndex)])
    }
}
