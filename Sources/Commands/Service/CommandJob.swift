import Wire

/// One admitted command from its admission to the moment its last answer is on its way.
final class CommandJob {
    /// What is to be done.
    enum Work {
        case command(CommandSpecification)
        case steps(
            [CommandSpecification],
            finish: @Sendable ([CommandOutput]) throws(ActionFailure) -> ActionAnswer)
        case compute(@Sendable () throws(ActionFailure) -> ActionAnswer)
    }

    enum State {
        case waiting
        case running
        /// The answer waits for the window, and for the chunks before it.
        case finished(CommandResponse)
    }

    /// The agent's, on the connection that it came by.
    let key: UInt64
    let request: CommandRequest
    let rule: String
    let work: Work
    /// Whether output is sent while it comes: to hosts that asked for it, for `Exec`.
    let streams: Bool
    var state = State.waiting
    /// The runner's, of the step that runs.
    var runKey: UInt64?
    var outputs: [CommandOutput] = []
    /// Of the command, or of the last step that ran.
    var result: CommandResult?
    /// The agent that sent it is gone: nobody hears the answer.
    var isOrphan = false
    var isCancelled = false
    /// It was given more input than it may be given, or may leave unread.
    var isInputBroken = false
    private var inputBytes = 0
    /// Milliseconds that its steps took together.
    var milliseconds: UInt64 = 0
    /// Input that came before it ran.
    private var inputWaiting: [UInt8] = []
    private var isInputEnding = false
    private var hasInput = false

    init(key: UInt64, request: CommandRequest, rule: String, work: Work, streams: Bool) {
        self.key = key
        self.request = request
        self.rule = rule
        self.work = work
        self.streams = streams
    }

    var audit: AuditRecord {
        var user: String?
        var arguments: [String]?
        switch work {
        case .command(let command): (user, arguments) = (command.userName, command.arguments)
        case .steps(let commands, _): user = commands.first?.userName
        case .compute: break
        }
        return AuditRecord(request: request, rule: rule, userName: user, arguments: arguments)
    }

    /// What is to be run next, `nil` when nothing is left.
    var nextStep: CommandSpecification? {
        switch work {
        case .command(let command): outputs.isEmpty ? command : nil
        case .steps(let commands, _):
            outputs.count < commands.count ? commands[outputs.count] : nil
        case .compute: nil
        }
    }

    /// Bytes of input that the command may have in all.
    private var inputBytesMax: Int {
        if case .command(let command) = work { return command.limits.inputBytesMax }
        return .max
    }

    /// Why the input was too much.
    var inputFault: String {
        inputBytes > inputBytesMax
            ? "ended: over \(inputBytesMax) bytes of input, the limit input_bytes of its rule"
            : "ended: over \(RunningLimits.inputBytesMax) bytes of input unread"
    }

    /// Keeps input until it is taken; more than a command may leave unread breaks it.
    func addInput(_ bytes: [UInt8], isEnd: Bool) {
        inputBytes += bytes.count
        guard inputBytes <= inputBytesMax,
            inputWaiting.count + bytes.count <= RunningLimits.inputBytesMax
        else {
            isInputBroken = true
            return
        }
        inputWaiting += bytes
        isInputEnding = isInputEnding || isEnd
        hasInput = true
    }

    /// What came since it was last asked for.
    func takeInput() -> (bytes: [UInt8], isEnd: Bool)? {
        guard hasInput else { return nil }
        hasInput = false
        defer { inputWaiting = [] }
        return (inputWaiting, isInputEnding)
    }

    /// A chunk of what is left of an ended command.
    func takeChunkOfResult() -> (stream: ExecOutput.Stream, offset: UInt64, data: ExecData)? {
        if let (offset, data) = result?.standardOutput.takeChunk() {
            return (.standardOutput, offset, data)
        }
        if let (offset, data) = result?.standardError.takeChunk() {
            return (.standardError, offset, data)
        }
        return nil
    }
}
