import Wire

/// One line before a command and one after: who asked for what, and what became of it.
///
/// `event=begin id="7" signer=- rule="exec.uname" user="root" argv=["uname","-a"]`. Texts of others
/// are JSON strings, so that no control character and no made-up field gets through.
struct AuditRecord {
    var request: CommandRequest
    var rule: String
    var userName: String?
    /// What is really run, where that is not what was asked for.
    var arguments: [String]?

    /// Bytes of the arguments that a record shows; a longer list is cut and says so.
    static let argumentBytesMax = 2048

    var begin: String { "event=begin \(who)" }

    func end(_ outcome: CommandOutcome?, _ result: CommandResult?, error: ErrorCode?) -> String {
        var fields = ["event=end", who, "outcome=\(outcome?.rawValue ?? "answered")"]
        if let error { fields.append("error=\(Self.quoted(error.rawValue))") }
        if let result {
            if let code = result.exitCode { fields.append("exit=\(code)") }
            if let signal = result.signal { fields.append("signal=\(signal)") }
            fields.append("stdout_bytes=\(result.standardOutput.bytes)")
            fields.append("stderr_bytes=\(result.standardError.bytes)")
            fields.append("ms=\(result.milliseconds)")
        }
        return fields.joined(separator: " ")
    }

    func refused(_ refusal: AdmissionRefusal) -> String {
        "event=refused \(who) error=\(Self.quoted(refusal.code.rawValue)) "
            + "reason=\(Self.quoted(refusal.reason))"
    }

    private var who: String {
        let signer = request.signer.map(Self.quoted) ?? "-"
        let user = userName.map(Self.quoted) ?? "-"
        return "id=\(Self.quoted(request.id)) type=\(request.kind.rawValue) signer=\(signer) "
            + "rule=\(Self.quoted(rule)) user=\(user) argv=\(list)"
    }

    private var list: String {
        var bytes = 0
        let words = arguments ?? request.words
        var shown: [String] = []
        for word in words {
            let room = Self.argumentBytesMax - bytes
            let part = JSONText.prefix(of: word, escapedBytesMax: max(0, room))
            bytes += JSONText.escapedBytes(of: part.utf8) + 3
            shown.append(Self.quoted(String(part)) + (part.endIndex < word.endIndex ? "..." : ""))
            if bytes >= Self.argumentBytesMax { break }
        }
        let more = words.count - shown.count
        return "[" + shown.joined(separator: ",") + (more > 0 ? ",+\(more)" : "") + "]"
    }

    static func quoted(_ text: String) -> String {
        JSONText.make(bytesMax: 65_536) { $0.value(text) } ?? "\"...\""
    }
}
