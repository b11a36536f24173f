import Wire

/// All findings of one examination.
public struct DoctorReport: Equatable, Sendable {
    public enum Side: String, Sendable {
        case guest, host
    }

    public let side: Side
    public let findings: [Finding]

    /// Whether nothing is wrong. Notes do not count.
    public var isHealthy: Bool { !findings.contains { $0.severity == .problem } }

    public func count(of severity: Finding.Severity) -> Int {
        findings.count { $0.severity == severity }
    }

    /// One JSON object with its newline:
    /// `{"side":"guest","healthy":false,"problems":1,"notes":0,"findings":[…]}`, each finding
    /// `{"check":…,"severity":…,"seen":…,"remedy":…}`.
    public var json: String {
        let room = findings.reduce(256) { sum, finding in
            // Six bytes for each that has to be escaped, and the names.
            sum + 6 * (finding.seen.utf8.count + (finding.remedy?.utf8.count ?? 0)) + 256
        }
        guard let text = JSONText.written(bytesMax: room, write) else {
            preconditionFailure("the room was counted")
        }
        return text
    }

    private func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("side", side.rawValue)
        writer.member("healthy", isHealthy)
        writer.member("problems", count(of: .problem))
        writer.member("notes", count(of: .note))
        writer.beginArray("findings")
        for finding in findings {
            writer.beginObject()
            writer.member("check", finding.check.rawValue)
            writer.member("severity", finding.severity.rawValue)
            writer.member("seen", finding.seen)
            if let remedy = finding.remedy {
                writer.member("remedy", remedy)
            } else {
                writer.key("remedy")
                writer.null()
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.newline()
    }
}
