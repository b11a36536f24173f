/// Several samples in one frame: guest to host, `metrics_batch`, only to a host that has
/// ``capability`` among its capabilities.
///
/// It saves a host that was away the frames of a backlog, and has one number for all its samples:
/// they arrive together or not at all. A sample in it has what ``MetricsMessage`` has, without
/// `type`, and with the time of the sample.
public struct MetricsBatch: Sendable {
    /// In a handshake: this guest can send it. In a handshake_ack: this host takes it.
    public static let capability = "metrics_batch"

    /// The oldest first.
    public var samples: [MetricsSample]
    /// Metrics messages that gave way to newer ones since the agent's start.
    public var droppedMessages: UInt64
    public var numbering: Numbering?
    /// Milliseconds since 1970 UTC at which it was written.
    public var wallMilliseconds: Int64

    public init(
        _ samples: [MetricsSample], droppedMessages: UInt64 = 0, numbering: Numbering? = nil,
        wallMilliseconds: Int64
    ) {
        self.samples = samples
        self.droppedMessages = droppedMessages
        self.numbering = numbering
        self.wallMilliseconds = wallMilliseconds
    }
}

/// Whether a batch was written, and how much of it.
public enum MetricsBatchOutcome: Hashable, Sendable {
    /// `byteCount` bytes with the newline, and the first `sampleCount` samples whole: at least one.
    case written(byteCount: Int, sampleCount: Int)
    /// Not even the first sample fits: it goes as a ``MetricsMessage``, which can drop rows.
    case noRoom
}

extension MetricsBatch {
    /// Writes one frame with as many samples, from the first on, as fit into the room,
    /// ``WireLimits/frameBytesMax`` and ``WireLimits/tokensMax``.
    public func encode(into writer: inout JSONWriter) -> MetricsBatchOutcome {
        let start = writer.beginFrame()
        writer.member("type", "metrics_batch")
        writer.member("timestamp", timestamp: wallMilliseconds)
        writer.members(numbering)
        writer.member("dropped", droppedMessages)
        writer.beginArray("samples")
        var sampleCount = 0
        for sample in samples {
            let before = writer.mark
            writer.beginObject()
            writer.member("timestamp", timestamp: sample.wallMilliseconds)
            sample.encodeData(nil, into: &writer)
            writer.endObject()
            // The brackets and the newline behind the last sample take three bytes.
            let isWithin =
                !writer.overflowed && writer.room >= 3
                && writer.count - start.count <= WireLimits.frameBytesMax - 3
                && writer.tokens - start.tokens <= WireLimits.tokensMax
            guard isWithin else {
                writer.rewind(to: before)
                break
            }
            sampleCount += 1
        }
        guard sampleCount > 0 else {
            writer.rewind(to: start)
            return .noRoom
        }
        writer.endArray()
        guard case .written(let byteCount) = writer.endFrame(start) else { return .noRoom }
        return .written(byteCount: byteCount, sampleCount: sampleCount)
    }

    /// `nil` when it is of another type, or has no array of samples. An element without `data` is
    /// passed over.
    public init?(_ root: JSONValue) {
        var members = root.members
        guard members.value("type").equals("metrics_batch") else { return nil }
        let wallMilliseconds = members.timestamp("timestamp") ?? 0
        let numbering = Numbering(root)
        let droppedMessages = members.unsigned("dropped") ?? 0
        let list = members.value("samples")
        guard list.type == .array else { return nil }
        self.init(
            [], droppedMessages: droppedMessages, numbering: numbering,
            wallMilliseconds: wallMilliseconds)
        samples.reserveCapacity(list.count)
        var elements = list.elements
        while let element = elements.next() {
            guard let data = element.member("data"), data.type == .object else { continue }
            var sample = MetricsSample(data)
            sample.wallMilliseconds = element.member("timestamp")?.timestamp ?? 0
            samples.append(sample)
        }
    }
}
