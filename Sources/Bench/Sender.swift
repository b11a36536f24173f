public import IOEngine
public import Kernel

/// Connects, and sends lines as fast as they are taken.
public final class Sender {
    private let lineBytes: Int
    private let bytesTotal: UInt64
    private let frames: UInt64
    private let engine: IOEngine
    private let writer: LineWriter
    private let template: LineTemplate
    private var bytesWritten: UInt64 = 0
    private var failure: ProgramFailure?

    /// Small enough to stay in a processor's cache, and room for two writes.
    private static let slabs = 4

    /// - Parameters:
    ///   - path: of the socket that somebody listens on.
    ///   - lineBytes: 2 to 1,048,576 with the newline.
    ///   - frames: how many to send.
    ///   - engine: which engine it runs on.
    /// - Throws: `ProgramFailure` when the engine cannot be had or nobody listens.
    public init(
        path: String, lineBytes: Int, frames: UInt64, engine: IOEngine.Choice
    ) throws(ProgramFailure) {
        self.lineBytes = lineBytes
        self.frames = frames
        bytesTotal = frames * UInt64(lineBytes)
        template = LineTemplate(lineBytes: lineBytes, minimumBytes: 65_536)
        self.engine = try Setup.engine(engine)
        let stream = try Setup.connect(self.engine, to: path)
        writer = try LineWriter(self.engine, stream, slabs: Self.slabs, registers: true)
    }

    /// Measures from the first write to the moment at which the kernel has taken the last.
    public func run() throws(ProgramFailure) -> Row {
        let meter = Meter(engine)
        fill()
        writer.startWrite()
        while writer.unsentBytes > 0 || writer.isWriting, failure == nil {
            engine.turn { handle($0) }
        }
        let cost = meter.reading()
        close()
        if let failure { throw failure }
        return Row.throughput("send", frames: frames, bytes: writer.bytesSent, cost)
    }

    private func handle(_ completion: consuming Completion) {
        switch consume completion {
        case .written(_, let lease, let transfer):
            guard writer.take(lease, transfer) else {
                failure = .transfer("writing", transfer)
                return
            }
            fill()
            writer.startWrite()
        case let other: other.abandon()
        }
    }

    /// Puts lines into the ring as long as there is room, cut wherever it ends.
    private func fill() {
        let capacity = UInt64(Self.slabs * 65_536)
        let template = template
        let isPeriodic = capacity % UInt64(lineBytes) == 0
        while writer.freeBytes > 0, bytesWritten < bytesTotal {
            let left = bytesTotal - bytesWritten
            // Whole lines fill the ring exactly: after one lap what was sent is what comes next.
            if isPeriodic, bytesWritten >= capacity {
                let count = min(writer.freeBytes, Int(clamping: left))
                writer.appendAgain(count)
                bytesWritten += UInt64(count)
                continue
            }
            let start = Int(bytesWritten % UInt64(template.count))
            let count = min(writer.freeBytes, template.count - start, Int(clamping: left))
            _ = writer.append(template.span.extracting(start..<(start + count)))
            bytesWritten += UInt64(count)
        }
    }

    private func close() {
        engine.close(writer.stream)
        while engine.streamCount > 0 {
            engine.turn { completion in
                switch consume completion {
                case .written(_, let lease, let transfer): _ = writer.take(lease, transfer)
                case let other: other.abandon()
                }
            }
        }
    }
}
