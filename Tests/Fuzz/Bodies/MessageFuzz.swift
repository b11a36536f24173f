import Wire

/// Messages of both sides: nothing that is JSON stops a decoder, replies stay small, and what was
/// understood is understood alike once it was written and read again.
enum MessageFuzz {
    nonisolated(unsafe) private static var parser = try! JSONParser()

    static func run(_ input: [UInt8]) {
        guard (try? parser.parse(input.span.bytes)) != nil else { return }
        let host = HostMessage(parser.root)
        if let reply = host.errorReply(wallMilliseconds: 0), let frame = frame(reply) {
            promise(frame.count < 1024, "an error of \(frame.count) bytes")
        }
        // A first trip may round numbers; from then on nothing changes.
        for (name, trip) in trips {
            guard let once = trip(input), let twice = trip(once) else { continue }
            guard let thrice = trip(twice) else { fatalError("broken: \(name) is not read again") }
            promise(twice == thrice, "\(name): \(String(decoding: twice, as: UTF8.self))")
        }
    }

    private typealias Trip = @Sendable ([UInt8]) -> [UInt8]?

    /// Read and written again; `nil` for what is not that message, or has no room.
    private static func trip(
        _ write: @escaping @Sendable (JSONValue, inout JSONWriter) -> Bool
    ) -> Trip {
        { bytes in
            guard (try? parser.parse(bytes.span.bytes)) != nil else { return nil }
            return memory { writer in write(parser.root, &writer) }
        }
    }

    private static func written(
        _ message: (some WireMessage)?, _ writer: inout JSONWriter
    ) -> Bool {
        guard let message, case .written = message.encode(into: &writer) else { return false }
        return true
    }

    private static let trips: [(String, Trip)] = [
        ("host", trip { root, writer in host(HostMessage(root), &writer) }),
        ("guest", trip { root, writer in guest(GuestMessage(root), &writer) }),
        ("notice", trip { root, writer in notice(GuestNotice(root), &writer) }),
        ("scripts", trip { root, writer in written(PendingScripts(root), &writer) }),
        ("safe", trip { root, writer in written(SafeCommand(root), &writer) }),
        ("unsafe", trip { root, writer in written(UnsafeCommand(root), &writer) }),
        ("output", trip { root, writer in written(ExecOutput(root), &writer) }),
        ("signed", trip { root, writer in written(SignedMessage(root), &writer) }),
        ("batch", trip { root, writer in batch(MetricsBatch(root), &writer) }),
    ]

    private static func host(_ message: HostMessage, _ writer: inout JSONWriter) -> Bool {
        switch message {
        case .metricsRequest(let message): written(message, &writer)
        case .keepAliveRequest(let message): written(message, &writer)
        case .handshakeAcknowledgement(let message): written(message, &writer)
        case .acknowledgement(let message): written(message, &writer)
        default: false
        }
    }

    private static func guest(_ message: GuestMessage, _ writer: inout JSONWriter) -> Bool {
        switch message {
        case .handshake(let message): return written(message, &writer)
        case .metrics(let message):
            guard case .written = message.encode(into: &writer) else { return false }
            return true
        case .error(let message): return written(message, &writer)
        case .keepAlive(let message): return written(message, &writer)
        case .response(let message): return written(message, &writer)
        default: return false
        }
    }

    private static func notice(_ notice: GuestNotice?, _ writer: inout JSONWriter) -> Bool {
        guard let notice else { return false }
        return written(notice.message, &writer)
    }

    private static func batch(_ batch: MetricsBatch?, _ writer: inout JSONWriter) -> Bool {
        guard let batch, case .written = batch.encode(into: &writer) else { return false }
        return true
    }

    private static func frame(_ message: some WireMessage) -> [UInt8]? {
        memory { writer in written(message, &writer) }
    }

    /// What `write` writes, without the newline of its frame.
    private static func memory(_ write: (inout JSONWriter) -> Bool) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        do {
            var span = bytes.mutableSpan
            var writer = JSONWriter(span.mutableBytes)
            if write(&writer) { count = writer.count }
        }
        return count > 0 ? Array(bytes[..<(count - 1)]) : nil
    }
}
