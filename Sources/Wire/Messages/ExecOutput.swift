/// Bytes as JSON can carry them: as they are where they are UTF-8, else in base64.
public struct ExecData: Hashable, Sendable {
    public enum Encoding: String, CaseIterable, Hashable, Sendable {
        case utf8 = "utf-8"
        case base64
    }

    public var encoding: Encoding
    public var text: String

    /// Takes the shorter way that keeps every byte: text that is mostly control characters is
    /// shorter in base64, and so no chunk grows by more than 4 / 3.
    public init(_ bytes: some RandomAccessCollection<UInt8>) {
        if let text = String(validating: bytes, as: UTF8.self),
            JSONText.escapedBytes(of: bytes) <= (bytes.count + 2) / 3 * 4
        {
            encoding = .utf8
            self.text = text
        } else {
            encoding = .base64
            text = Base64.encode(bytes)
        }
    }

    /// The bytes; `nil` for base64 that is none.
    public var bytes: [UInt8]? {
        encoding == .utf8 ? Array(text.utf8) : Base64.decode(text)
    }
}

/// What the members `data` and `encoding` make; text when no encoding is named.
extension ExecData {
    init?(_ value: JSONValue) {
        text = value.member("data")?.string ?? ""
        guard let name = value.member("encoding") else {
            encoding = .utf8
            return
        }
        guard let encoding = name.string.flatMap({ Encoding(rawValue: $0) }) else { return nil }
        self.encoding = encoding
    }
}

/// Guest to host, `exec_output`: a piece of what a command printed, to hosts that speak `vireo/1`.
///
/// The pieces of a stream follow each other without a gap up to the cap of the stream; what it
/// printed beyond is counted in the response.
public struct ExecOutput: WireMessage, Hashable, Sendable {
    public enum Stream: String, CaseIterable, Hashable, Sendable {
        case standardOutput = "stdout"
        case standardError = "stderr"
    }

    public var id: String
    public var stream: Stream
    /// Bytes of the stream before this piece.
    public var offset: UInt64
    public var data: ExecData
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64?

    public init(id: String, stream: Stream, offset: UInt64, data: ExecData) {
        self.id = id
        self.stream = stream
        self.offset = offset
        self.data = data
    }

    public func encodeMembers(into writer: inout JSONWriter) {
        writer.member("type", "exec_output")
        if let wallMilliseconds { writer.member("timestamp", timestamp: wallMilliseconds) }
        writer.members(numbering)
        writer.member("id", id)
        writer.member("stream", stream.rawValue)
        writer.member("offset", offset)
        writer.member("data", data.text)
        writer.member("encoding", data.encoding.rawValue)
    }

    /// `nil` when a member is missing or none of ours.
    public init?(_ value: JSONValue) {
        guard let id = value.identifier("id"),
            let stream = value.member("stream")?.string.flatMap({ Stream(rawValue: $0) }),
            let offset = value.member("offset")?.unsigned, let data = ExecData(value)
        else { return nil }
        self.init(id: id, stream: stream, offset: offset, data: data)
        wallMilliseconds = value.member("timestamp")?.timestamp
        numbering = Numbering(value)
    }
}
