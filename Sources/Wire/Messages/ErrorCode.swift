/// Why a message or a command came to nothing, as the wire says it.
///
/// The first nine are the document's; the others are this project's. Codes that are not listed here
/// can arrive and are kept as they are.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let deviceNotFound = ErrorCode(rawValue: "DEVICE_NOT_FOUND")
    public static let connectionFailed = ErrorCode(rawValue: "CONNECTION_FAILED")
    /// Not strict JSON, no `type`, or a member that is missing or of the wrong type.
    public static let invalidMessage = ErrorCode(rawValue: "INVALID_MESSAGE")
    public static let commandTimeout = ErrorCode(rawValue: "COMMAND_TIMEOUT")
    public static let permissionDenied = ErrorCode(rawValue: "PERMISSION_DENIED")
    public static let commandFailed = ErrorCode(rawValue: "COMMAND_FAILED")
    /// A `type` that this side does not know.
    public static let unknownCommand = ErrorCode(rawValue: "UNKNOWN_COMMAND")
    public static let resourceLimit = ErrorCode(rawValue: "RESOURCE_LIMIT")
    public static let unsupportedPlatform = ErrorCode(rawValue: "UNSUPPORTED_PLATFORM")
    /// A line longer than ``WireLimits/frameBytesMax``, skipped to its newline.
    public static let messageTooLarge = ErrorCode(rawValue: "MESSAGE_TOO_LARGE")
    /// A command for another life of the agent.
    public static let stale = ErrorCode(rawValue: "STALE")
    /// No room for another command; it has not been run.
    public static let busy = ErrorCode(rawValue: "BUSY")
    public static let refusedByPolicy = ErrorCode(rawValue: "REFUSED_BY_POLICY")
    /// The same `id` again, after its output was forgotten.
    public static let alreadyRun = ErrorCode(rawValue: "ALREADY_RUN")

    public static let all: [ErrorCode] = [
        deviceNotFound, connectionFailed, invalidMessage, commandTimeout, permissionDenied,
        commandFailed, unknownCommand, resourceLimit, unsupportedPlatform, messageTooLarge, stale,
        busy, refusedByPolicy, alreadyRun,
    ]
}

extension ErrorCode: CustomStringConvertible {
    public var description: String { rawValue }
}
