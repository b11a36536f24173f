public import IOEngine
public import Kernel
import Slabs

/// Listens, and counts the frames that come until they have all come.
public final class Receiver {
    private let path: String
    private let framesMax: UInt64
    private let connectionsWanted: Int
    private let engine: IOEngine
    /// By the stream's place.
    private var readers: [LineReader?]
    private var listener: Stream?
    private var accepted = 0
    private var ended = 0
    private var frames: UInt64 = 0
    private var bytes: UInt64 = 0
    private var overlong: UInt64 = 0
    private var meter: Meter?
    private var failure: ProgramFailure?

    /// - Parameters:
    ///   - path: of the socket to listen on.
    ///   - frames: ends after so many; `nil`: when every connection has ended.
    ///   - connections: how many to wait for, 1 to 16,000.
    ///   - engine: which engine it runs on.
    /// - Throws: `ProgramFailure` when the engine cannot be had.
    public init(
        path: String, frames: UInt64? = nil, connections: Int = 1, engine: IOEngine.Choice
    ) throws(ProgramFailure) {
        precondition((1...BenchLimits.connectionsMax).contains(connections))
        self.path = path
        framesMax = frames ?? .max
        connectionsWanted = connections
        self.engine = try Setup.engine(engine, streamsMax: connections + 4)
        readers = Array(repeating: nil, count: connections + 4)
    }

    /// Measures from the moment at which the last connection came, or the first frame before that,
    /// to the last frame.
    public func run() throws(ProgramFailure) -> Row {
        listener = try Setup.listen(engine, on: path)
        defer { Folders.unlink(path) }
        while ended < connectionsWanted, frames < framesMax, failure == nil {
            engine.turn { handle($0) }
        }
        let cost = (meter ?? Meter(engine)).reading()
        close()
        if let failure { throw failure }
        var row = Row.throughput("receive", frames: frames, bytes: bytes, cost)
        row.add("connections", .count(UInt64(accepted)))
        row.add("overlong", .count(overlong))
        return row
    }

    private func handle(_ completion: consuming Completion) {
        switch consume completion {
        case .read(let stream, let lease, let transfer):
            guard let reader = readers[stream.place] else { preconditionFailure("a stray read") }
            if meter == nil { meter = Meter(engine) }
            if reader.take(lease, transfer) {
                count(reader)
                if frames < framesMax { reader.startRead() }
            } else if case .failed(let errno) = transfer, errno != .connectionReset {
                failure = .transfer("reading", transfer)
            } else {
                ended += 1
            }
        case .edge(let stream, _) where stream == listener: accept(stream)
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }

    private func count(_ reader: LineReader) {
        let before = reader.tally
        // What this connection may still add to the frames of all.
        let (most, isEndless) = before.frames.addingReportingOverflow(framesMax - frames)
        reader.countFrames(upTo: isEndless ? .max : most)
        frames += reader.tally.frames - before.frames
        bytes += reader.tally.bytes - before.bytes
        overlong += reader.tally.overlong - before.overlong
    }

    private func accept(_ listener: Stream) {
        while accepted < connectionsWanted,
            let descriptor = ListeningSocket.accept(engine.descriptorNumber(listener))
        {
            do throws(ProgramFailure) {
                let stream = try Setup.attach(engine, descriptor)
                let isLarge = connectionsWanted <= BenchLimits.largeConnectionsMax
                let reader = try LineReader(
                    engine, stream, slabs: isLarge ? SlabLimits.receiveSlabsDefault : 1,
                    registers: connectionsWanted <= BenchLimits.registeredConnectionsMax)
                readers[stream.place] = reader
                accepted += 1
                reader.startRead()
            } catch {
                failure = error
                return
            }
        }
        if accepted == connectionsWanted, meter == nil { meter = Meter(engine) }
    }

    /// Ends all connections and waits for it, so that every lease is home before the rings go.
    private func close() {
        for reader in readers { if let reader { engine.close(reader.stream) } }
        if let listener { engine.close(listener) }
        let limit = MonotonicTime.now.adding(milliseconds: 2000)
        while engine.streamCount > 0, MonotonicTime.now < limit {
            engine.turn(until: limit) { completion in
                switch consume completion {
                case .read(let stream, let lease, let transfer):
                    _ = readers[stream.place]?.take(lease, transfer)
                case let other: other.abandon()
                }
            }
        }
    }
}
