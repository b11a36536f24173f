public import Wire

/// What an action comes to, decided before anything runs.
///
/// ```swift
/// let plan = try catalog.plan("ServiceList", parameters: ActionParameters())
/// switch plan {
/// case .compute(let body): answer = try body()
/// case .run(let commands, let finish): answer = try finish(outputs)   // one for each command
/// }
/// ```
public enum ActionPlan: Sendable {
    /// Answered from what this process can read itself, at once.
    case compute(@Sendable () throws(ActionFailure) -> ActionAnswer)
    /// These commands run one after another; `finish` turns what they printed into the answer.
    ///
    /// It takes one output for each command, or fewer when those that followed were not run.
    case run(
        [PlannedCommand],
        finish: @Sendable ([CommandOutput]) throws(ActionFailure) -> ActionAnswer)
}

/// One program to run, by its absolute path, without a shell.
public struct PlannedCommand: Sendable, Hashable {
    /// The program's absolute path, then what it is given.
    public var arguments: [String]
    /// All that the program finds in its environment.
    public var environment: [String: String]
    /// `nil` leaves it to the request and the default.
    public var timeoutSeconds: Double?

    public init(
        arguments: [String], environment: [String: String], timeoutSeconds: Double? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.timeoutSeconds = timeoutSeconds
    }
}

/// What became of a planned command.
public struct CommandOutput: Sendable {
    public var outcome: CommandOutcome
    public var exitCode: Int32?
    public var signal: Int32?
    public var standardOutput: [UInt8]
    public var standardError: [UInt8]
    /// Whether there was more output than was kept.
    public var truncated: Bool

    public init(
        outcome: CommandOutcome, exitCode: Int32? = nil, signal: Int32? = nil,
        standardOutput: [UInt8] = [], standardError: [UInt8] = [], truncated: Bool = false
    ) {
        self.outcome = outcome
        self.exitCode = exitCode
        self.signal = signal
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.truncated = truncated
    }
}

/// What the host is told. As a response it fits in a frame, whatever stands in it.
public struct ActionAnswer: Sendable {
    public var standardOutput: String
    public var standardError: String
    public var exitCode: Int32
    public var success: Bool
    /// The action's name for `ProcessList`, `ProcessTop` and `ProcessKill`, whose standard output
    /// the host in the field parses as JSON; else `safe`.
    public var commandType: String
    /// The response's member `data`.
    public var dataJSON: String?

    public init(
        standardOutput: String, standardError: String, exitCode: Int32, success: Bool,
        commandType: String, dataJSON: String? = nil
    ) {
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.exitCode = exitCode
        self.success = success
        self.commandType = commandType
        self.dataJSON = dataJSON
    }
}

/// Why an action is not carried out, or came to nothing.
public struct ActionFailure: Error, Sendable {
    public var code: ErrorCode
    /// Says what to change.
    public var reason: String

    public init(code: ErrorCode, reason: String) {
        self.code = code
        self.reason = reason
    }

    static func invalid(_ reason: String) -> ActionFailure {
        ActionFailure(code: .invalidMessage, reason: reason)
    }

    static func failed(_ reason: String) -> ActionFailure {
        ActionFailure(code: .commandFailed, reason: reason)
    }

    static func unsupported(_ reason: String) -> ActionFailure {
        ActionFailure(code: .unsupportedPlatform, reason: reason)
    }
}
