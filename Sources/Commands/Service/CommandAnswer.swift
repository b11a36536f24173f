import Wire

/// Makes the one `response` that a command gets.
///
/// Its `data` says what became of it: `outcome`, `exit_code` or `signal`, `milliseconds`,
/// `isolation` (`cgroup` or `process_group`), `rule`, with a failure to start `errno`, and for
/// `stdout` and `stderr` each `bytes` (all that were printed), `sent` (as many of the first as the
/// host gets, here or as chunks), `truncated` (whether that is less), and `base64` where the bytes
/// are not UTF-8 and come here: the text beside it has U+FFFD then.
enum CommandAnswer {
    /// Bytes that all members but the two texts take at most, the words of a failure included.
    private static let membersBytes = 16_384
    private static let textBytesMax =
        WireLimits.frameBytesMax - RelayLimits.envelopeBytes - membersBytes

    static func response(of job: CommandJob, _ result: CommandResult) -> CommandResponse {
        var response = empty(of: job.request)
        response.success = result.outcome == .exited && result.exitCode == 0
        response.exitCode = result.exitCode.map { Int64($0) }
        response.executionMilliseconds = result.milliseconds
        response.outcome = result.outcome
        response.error = error(result.outcome)?.rawValue
        var pieces = (Piece(), Piece())
        if job.streams {
            pieces.0.bytes = result.standardOutput.kept.count
            pieces.1.bytes = result.standardError.kept.count
        } else {
            pieces = Self.pieces(result.standardOutput.kept, result.standardError.kept)
            response.stdout = pieces.0.text
            response.stderr = pieces.1.text
        }
        if let failure = result.failure { response.stderr = words(failure.description) }
        if job.isInputBroken {
            response.error = ErrorCode.resourceLimit.rawValue
            response.stderr = job.inputFault
        }
        response.dataJSON = JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            writer.beginObject()
            common(result, job.rule, into: &writer)
            stream("stdout", result.standardOutput, pieces.0, into: &writer)
            stream("stderr", result.standardError, pieces.1, into: &writer)
            writer.endObject()
        }
        return response
    }

    /// Of an action; `result` is of the last command that it ran, if it ran any.
    static func response(
        of job: CommandJob, _ answer: ActionAnswer, milliseconds: UInt64
    ) -> CommandResponse {
        var response = empty(of: job.request)
        response.success = answer.success
        response.exitCode = Int64(answer.exitCode)
        response.executionMilliseconds = milliseconds
        response.commandType = answer.commandType
        response.outcome = .exited
        let data = answer.dataJSON.flatMap { $0.utf8.count < textBytesMax / 2 ? $0 : nil }
        let room = textBytesMax - (data?.utf8.count ?? 0)
        response.stderr = String(
            JSONText.prefix(of: answer.standardError, escapedBytesMax: room / 4))
        response.stdout = String(
            JSONText.prefix(of: answer.standardOutput, escapedBytesMax: room / 4 * 3))
        response.dataJSON = JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            writer.beginObject()
            writer.member("outcome", CommandOutcome.exited.rawValue)
            writer.member("rule", words(job.rule))
            writer.member("milliseconds", milliseconds)
            if response.stdout.utf8.count < answer.standardOutput.utf8.count {
                writer.beginObject("stdout")
                writer.member("bytes", answer.standardOutput.utf8.count)
                writer.member("truncated", true)
                writer.endObject()
            }
            if let data {
                writer.key("result")
                writer.raw(data)
            }
            writer.endObject()
        }
        return response
    }

    /// Of an action that came to nothing.
    static func response(
        of job: CommandJob, _ failure: ActionFailure, milliseconds: UInt64
    ) -> CommandResponse {
        var response = empty(of: job.request)
        response.error = failure.code.rawValue
        response.stderr = words(failure.reason)
        response.executionMilliseconds = milliseconds
        response.outcome = .exited
        return response
    }

    /// The same, as a host that has pending scripts reads it.
    static func completion(_ response: CommandResponse) -> ScriptCompletion {
        var completion = ScriptCompletion(
            executionID: response.id, exitCode: response.exitCode, wallMilliseconds: nil)
        completion.outcome = response.outcome
        completion.stdout = response.stdout
        completion.stderr = response.stderr
        return completion
    }

    /// A command that was taken back before it ran.
    static func cancelled(_ job: CommandJob, _ isolation: Isolation.Kind) -> CommandResponse {
        var nothing = CapturedStream(bytesMax: 0)
        nothing.end()
        return response(
            of: job,
            CommandResult(
                outcome: .cancelled, milliseconds: 0, isolation: isolation,
                standardOutput: nothing, standardError: nothing))
    }

    /// A request that nothing was started for.
    static func refusal(
        _ kind: Command.Kind, id: String, _ refusal: AdmissionRefusal
    ) -> CommandResponse {
        var response = CommandResponse.refusal(
            of: kind, id: id, refusal.code, reason: words(refusal.reason), wallMilliseconds: 0)
        response.wallMilliseconds = nil
        response.dataJSON = JSONText.make(bytesMax: 65_536) { writer in
            writer.beginObject()
            writer.member("outcome", CommandOutcome.refused.rawValue)
            writer.member("rule", words(refusal.rule))
            if let name = refusal.errnoName { writer.member("errno", name) }
            writer.endObject()
        }
        return response
    }

    private static func empty(of request: CommandRequest) -> CommandResponse {
        var response = CommandResponse(
            id: request.id, success: false, commandType: request.kind.responseType,
            wallMilliseconds: 0)
        // The agent stamps it when it leaves.
        response.wallMilliseconds = nil
        return response
    }

    private static func error(_ outcome: CommandOutcome) -> ErrorCode? {
        switch outcome {
        case .exited: nil
        case .timedOut: .commandTimeout
        case .refused: .refusedByPolicy
        case .signalled, .cancelled, .failedToStart: .commandFailed
        }
    }

    private static func words(_ text: String) -> String {
        String(JSONText.prefix(of: text, escapedBytesMax: 4096))
    }

    private static func common(
        _ result: CommandResult, _ rule: String, into writer: inout JSONWriter
    ) {
        writer.member("outcome", result.outcome.rawValue)
        if let code = result.exitCode { writer.member("exit_code", Int64(code)) }
        if let signal = result.signal { writer.member("signal", Int64(signal)) }
        if let name = result.failure?.errnoName { writer.member("errno", name) }
        writer.member("milliseconds", result.milliseconds)
        writer.member("isolation", result.isolation.rawValue)
        writer.member("rule", words(rule))
        if result.isLeftRunning { writer.member("left_running", true) }
    }

    private static func stream(
        _ name: StaticString, _ captured: CapturedStream, _ piece: Piece,
        into writer: inout JSONWriter
    ) {
        writer.beginObject(name)
        writer.member("bytes", captured.bytes)
        writer.member("sent", piece.bytes)
        writer.member("truncated", UInt64(piece.bytes) < captured.bytes)
        if let base64 = piece.base64 { writer.member("base64", base64) }
        writer.endObject()
    }

    // MARK: Cutting

    /// As much of a stream as the response carries.
    private struct Piece {
        var text = ""
        var base64: String?
        var bytes = 0

        init() {}

        init(_ kept: [UInt8], costMax: Int) {
            if let whole = String(validating: kept, as: UTF8.self) {
                text = String(JSONText.prefix(of: whole, escapedBytesMax: costMax))
                bytes = text.utf8.count
            } else {
                let first = kept.prefix(costMax / CommandAnswer.costOfByte)
                text = String(decoding: first, as: UTF8.self)
                base64 = Base64.encode(first)
                bytes = first.count
            }
        }
    }

    /// A byte that is not UTF-8 becomes a control character's six bytes at most, or the three of
    /// U+FFFD, and 4 / 3 in base64.
    private static let costOfByte = 8

    private static func cost(_ kept: [UInt8]) -> Int {
        String(validating: kept, as: UTF8.self) == nil
            ? kept.count * costOfByte : JSONText.escapedBytes(of: kept)
    }

    /// Both streams within a frame: one that needs less than its half leaves the rest to the other.
    private static func pieces(_ output: [UInt8], _ error: [UInt8]) -> (Piece, Piece) {
        let (wanted, other) = (cost(output), cost(error))
        let forError = min(other, max(textBytesMax / 2, textBytesMax - wanted))
        let forOutput = min(wanted, textBytesMax - forError)
        return (Piece(output, costMax: forOutput), Piece(error, costMax: forError))
    }
}
