public import Wire

/// What a command of `host exec` has come to: pure, frames in, events out.
///
/// A host that speaks `vireo/1` hears the output piece by piece and then the response; a plain one
/// gets it with the response.
public struct ExecProgress {
    public enum Event: Equatable, Sendable {
        /// The guest said who it is: the command may be sent in this epoch, `nil` from an agent
        /// that has none.
        case greeted(Epoch?, session: UInt64, machine: String)
        case output(isError: Bool, bytes: [UInt8])
        case ended(ExecEnding)
    }

    let id: String
    private var epoch: Epoch?
    /// Whether the command was sent.
    private var isSent = false
    private var outputBytes: UInt64 = 0
    private var errorBytes: UInt64 = 0

    public init(id: String) {
        self.id = id
    }

    public mutating func sent() { isSent = true }

    public mutating func take(_ message: JSONValue) -> [Event] {
        switch GuestMessage(message) {
        case .handshake(let handshake): return greeted(handshake)
        case .response(let response) where response.id == id:
            return ended(response, message)
        case .error(let error) where error.id == id:
            return [.ended(ExecEnding(error))]
        default: break
        }
        guard let output = ExecOutput(message), output.id == id else { return [] }
        return take(output)
    }

    private mutating func greeted(_ handshake: Handshake) -> [Event] {
        let new = handshake.offer?.epoch
        if isSent, new != epoch { return [.ended(.agentRestarted)] }
        epoch = new
        return [
            .greeted(new, session: handshake.offer?.session ?? 0, machine: handshake.vmID)
        ]
    }

    private mutating func take(_ output: ExecOutput) -> [Event] {
        guard let bytes = output.data.bytes else { return [] }
        let isError = output.stream == .standardError
        // What was shown already is not shown again, whoever sends it twice.
        let shown = isError ? errorBytes : outputBytes
        guard output.offset <= shown, output.offset + UInt64(bytes.count) > shown else {
            return []
        }
        let new = Array(bytes[Int(shown - output.offset)...])
        if isError { errorBytes += UInt64(new.count) } else { outputBytes += UInt64(new.count) }
        return [.output(isError: isError, bytes: new)]
    }

    private func ended(_ response: CommandResponse, _ message: JSONValue) -> [Event] {
        var events: [Event] = []
        let data = message.member("data")
        if outputBytes == 0 {
            let bytes = Self.bytes(response.stdout, data?.member("stdout"))
            if !bytes.isEmpty { events.append(.output(isError: false, bytes: bytes)) }
        }
        if errorBytes == 0, response.outcome == .exited || response.outcome == .signalled {
            let bytes = Self.bytes(response.stderr, data?.member("stderr"))
            if !bytes.isEmpty { events.append(.output(isError: true, bytes: bytes)) }
        }
        events.append(.ended(ExecEnding(response, message)))
        return events
    }

    /// What a response holds of a stream: base64 where the text beside it could not.
    private static func bytes(_ text: String, _ stream: JSONValue?) -> [UInt8] {
        stream?.member("base64")?.string.flatMap { Base64.decode($0) } ?? Array(text.utf8)
    }
}

/// How a command of `host exec` ended, and the exit status that says so.
public struct ExecEnding: Equatable, Sendable {
    /// 0 to 125 the command's own; 124 timed out, 125 unknown, 126 refused or not to be started,
    /// 127 not found, 128 + n by signal n, 75 try again.
    public var status: Int32
    /// For people; `nil` when the command's own status says it all.
    public var note: String?

    static let agentRestarted = ExecEnding(
        status: 125, note: "the agent restarted: what became of the command is unknown")

    init(status: Int32, note: String?) {
        self.status = status
        self.note = note
    }

    init(_ error: ErrorMessage) {
        let reason = error.details.reason ?? error.code.rawValue
        self.init(status: error.code.exitStatus, note: reason)
    }

    init(_ response: CommandResponse, _ message: JSONValue) {
        let data = message.member("data")
        let signal = data?.member("signal")?.integer
        var note: String?
        switch response.outcome {
        case .exited, nil:
            status = Int32(clamping: response.exitCode ?? (response.success ? 0 : 1))
            if let error = response.error, !response.success, response.exitCode == nil {
                note = error
                status = ErrorCode(rawValue: error).exitStatus
            }
        case .signalled: status = 128 + Int32(clamping: signal ?? 0)
        case .timedOut:
            status = 124
            note = "timed out"
        case .cancelled:
            status = 130
            // For more input than it may have, the agent ends a command by itself, and says so.
            let isOwn = response.error == ErrorCode.resourceLimit.rawValue
            note = isOwn && !response.stderr.isEmpty ? response.stderr : "cancelled"
        case .refused:
            let isMissing = data?.member("errno")?.equals("ENOENT") == true
            status = isMissing ? 127 : ErrorCode(rawValue: response.error ?? "").exitStatus
            note = "refused: \(response.stderr.isEmpty ? response.error ?? "" : response.stderr)"
        case .failedToStart:
            let isMissing = data?.member("errno")?.equals("ENOENT") == true
            status = isMissing ? 127 : 126
            note = response.stderr.isEmpty ? "it could not be started" : response.stderr
        }
        if let cut = Self.cut(data) {
            note = [note, cut].compactMap { $0 }.joined(separator: "; ")
        }
        self.note = note
    }

    /// What of the output is missing.
    private static func cut(_ data: JSONValue?) -> String? {
        var parts: [String] = []
        for name in ["stdout", "stderr"] {
            guard let stream = name == "stdout" ? data?.member("stdout") : data?.member("stderr"),
                stream.member("truncated")?.bool == true,
                let bytes = stream.member("bytes")?.unsigned
            else { continue }
            parts.append("\(name) was cut: \(bytes) bytes in all")
        }
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}

extension ErrorCode {
    /// What `host exec` exits with for it.
    var exitStatus: Int32 {
        switch self {
        case .busy, .stale: 75
        case .commandTimeout: 124
        case .alreadyRun: 125
        default: 126
        }
    }
}
