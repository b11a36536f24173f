/// Guest to host, `error_report`: what an agent could not do by itself, as InfiniService says it.
public struct ErrorReport: WireMessage, Hashable, Sendable {
    /// How bad it is, in InfiniService's words.
    public enum Severity: String, CaseIterable, Hashable, Sendable {
        case temporary = "Temporary"
        case recoverable = "Recoverable"
        case fatal = "Fatal"
        case unknown = "Unknown"
    }

    public var errorType: String
    public var severity: Severity
    /// Of Windows agents.
    public var windowsErrorCode: UInt64?
    public var retryAttempt: UInt64 = 0
    public var maxRetries: UInt64 = 0
    /// For people: what to do.
    public var recoverySuggestion: String?
    public var vmID: String?
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(errorType: String, severity: Severity, wallMilliseconds: Int64) {
        self.errorType = errorType
        self.severity = severity
        self.wallMilliseconds = wallMilliseconds
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "error_report")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("error_type", errorType)
        writer.member("severity", severity.rawValue)
        if let windowsErrorCode { writer.member("windows_error_code", windowsErrorCode) }
        writer.member("retry_attempt", retryAttempt)
        writer.member("max_retries", maxRetries)
        if let recoverySuggestion { writer.member("recovery_suggestion", recoverySuggestion) }
        if let vmID { writer.member("vm_id", vmID) }
    }

    /// `nil` without an error type. A severity that is not known is ``Severity/unknown``.
    init?(_ value: JSONValue) {
        numbering = Numbering(value)
        var members = value.members
        wallMilliseconds = members.timestamp("timestamp")
        guard let errorType = members.string("error_type") else { return nil }
        self.errorType = errorType
        severity = members.string("severity").flatMap { Severity(rawValue: $0) } ?? .unknown
        windowsErrorCode = members.unsigned("windows_error_code")
        retryAttempt = members.unsigned("retry_attempt") ?? 0
        maxRetries = members.unsigned("max_retries") ?? 0
        recoverySuggestion = members.string("recovery_suggestion")
        vmID = members.string("vm_id")
    }
}
