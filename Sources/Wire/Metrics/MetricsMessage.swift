/// A sample on its way: guest to host, `metrics`.
///
/// ```swift
/// let message = MetricsMessage(sample, droppedMessages: total)
/// switch message.encode(into: &writer) {
/// case .written(let byteCount, let dropped): ...
/// case .noRoom: ...
/// }
/// ```
///
/// What does not fit loses whole rows of its longest lists, and says how many under `truncated`.
/// Field names are those that InfiniService's host reads; what it does not know stands beside them.
public struct MetricsMessage: Sendable {
    public var sample: MetricsSample
    /// Metrics messages that gave way to newer ones since the agent's start, as a running total.
    public var droppedMessages: UInt64
    /// `nil` for a host that does not acknowledge.
    public var numbering: Numbering?
    /// Rows that the sender had no room for. Set in what was received; ``encode(into:)`` finds out
    /// itself.
    public var droppedRows = RowCounts()

    public init(_ sample: MetricsSample, droppedMessages: UInt64 = 0, numbering: Numbering? = nil) {
        self.sample = sample
        self.droppedMessages = droppedMessages
        self.numbering = numbering
    }
}

/// Whether a sample was written, and how much of it.
public enum MetricsOutcome: Hashable, Sendable {
    /// `byteCount` bytes with the newline; rows left out by list.
    case written(byteCount: Int, droppedRows: RowCounts)
    /// Not even the part without rows fits. Nothing was written.
    case noRoom
}

extension MetricsMessage {
    /// Writes one frame that fits the room, ``WireLimits/frameBytesMax`` and
    /// ``WireLimits/tokensMax``.
    public func encode(into writer: inout JSONWriter) -> MetricsOutcome {
        if case .written(let byteCount) = encode(nil, into: &writer) {
            return .written(byteCount: byteCount, droppedRows: RowCounts())
        }
        guard let selection = RowSelection(of: self, scratch: &writer),
            case .written(let byteCount) = encode(selection, into: &writer)
        else { return .noRoom }
        return .written(byteCount: byteCount, droppedRows: selection.dropped)
    }

    /// Writes the rows that `selection` names, all of them without one.
    func encode(_ selection: RowSelection?, into writer: inout JSONWriter) -> FrameOutcome {
        let start = writer.beginFrame()
        writer.member("type", "metrics")
        writer.member("timestamp", timestamp: sample.wallMilliseconds)
        writer.members(numbering)
        writer.member("dropped", droppedMessages)
        sample.encodeData(selection, into: &writer)
        if let selection { selection.dropped.encode(into: &writer) }
        return writer.endFrame(start)
    }
}

extension MetricsSample {
    /// The member `data`.
    func encodeData(_ selection: RowSelection?, into writer: inout JSONWriter) {
        writer.beginObject("data")
        writer.beginObject("system")
        encodeSystem(selection, into: &writer)
        writer.endObject()
        writer.rows("processes", processes, selection?.kept(.processes))
        writer.rows("ports", ports, selection?.kept(.ports))
        writer.beginObject("agent")
        encodeAgent(selection, into: &writer)
        writer.endObject()
        writer.endObject()
    }
}

extension MetricsMessage {
    /// The frame in memory of its own, for those who have no ring to write into; `nil` when it does
    /// not fit into a frame even without rows.
    public func frame() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: WireLimits.frameBytesMax)
        var outcome = MetricsOutcome.noRoom
        do {
            var span = bytes.mutableSpan
            // SAFETY: bytes have no invalid values.
            var writer = unsafe JSONWriter(span.mutableBytes)
            outcome = encode(into: &writer)
        }
        guard case .written(let byteCount, _) = outcome else { return nil }
        return Array(bytes[..<byteCount])
    }
}
