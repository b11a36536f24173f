public import IOEngine
public import Kernel
import Slabs

/// Listens, and counts the frames that come until they have all come.
public final class Receiver {
    private let path: String
    private let framesMax: UInt64
    private let connectionsWanted: Int
    private let engine: IOEngine
    /// By the stream's place: the one or the other.
    private var readers: [LineReader?]
    private var pooled: [PooledReader?]
    private let pool: SlabPool?
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
        pooled = Array(repeating: nil, count: connections + 4)
        guard connections > BenchLimits.ownRingsMax else {
            pool = nil
            return
        }
        do {
            let pool = try SlabPool()
            try self.engine.share(pool)
            self.pool = pool
        } catch {
            throw ProgramFailure(.unavailable, "no slabs to share: \(error)")
        }
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
        let moved = readers.reduce(0) { $0 + ($1?.movedBytes ?? 0) }
        let copied = Double(pool?.counters.copiedBytes ?? moved)
        row.add("copied_bytes_per_gb", .number(copied * 1e9 / Double(max(bytes, 1))))
        if let pool { row.add("rings_lent", .count(pool.counters.ringsLent)) }
        return row
    }

    private func handle(_ completion: consuming Completion) {
        switch consume completion {
        case .read(let stream, let lease, let transfer):
            if meter == nil { meter = Meter(engine) }
            if let reader = pooled[stream.place] { return take(lease, transfer, for: reader) }
            guard let reader = readers[stream.place] else { preconditionFailure("a stray read") }
            if reader.take(lease, transfer) {
                count(reader)
                if frames < framesMax { reader.startRead() }
            } else if case .failed(let errno) = transfer, errno != .connectionReset {
                failure = .transfer("reading", transfer)
            } else {
                ended += 1
            }
        case .closed(let stream): pooled[stream.place] = nil
        case .edge(let stream, _) where stream == listener: accept(stream)
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }

    private func count(_ reader: LineReader) {
        let before = reader.tally
        reader.countFrames(upTo: framesMax(after: before))
        add(reader.tally, since: before)
    }

    private func take(
        _ lease: consuming SlabLease, _ transfer: Transfer, for reader: PooledReader
    ) {
        let before = reader.tally
        var isFine = false
        if case .bytes(let count) = transfer, count > 0 {
            isFine = reader.take(lease, filled: count, upTo: framesMax(after: before))
            add(reader.tally, since: before)
        } else {
            pool?.giveBack(lease)
        }
        guard !isFine else { return }
        ended += 1
        reader.end()
        engine.close(reader.stream)
    }

    /// What this connection may come to, so that all together do not count too many.
    private func framesMax(after tally: LineReader.Tally) -> UInt64 {
        let (most, isEndless) = tally.frames.addingReportingOverflow(framesMax - frames)
        return isEndless ? .max : most
    }

    private func add(_ tally: LineReader.Tally, since before: LineReader.Tally) {
        frames += tally.frames - before.frames
        bytes += tally.bytes - before.bytes
        overlong += tally.overlong - before.overlong
    }

    private func accept(_ listener: Stream) {
        while accepted < connectionsWanted,
            let descriptor = ListeningSocket.accept(engine.descriptorNumber(listener))
        {
            do throws(ProgramFailure) {
                let stream = try Setup.attach(engine, descriptor)
                accepted += 1
                if let pool {
                    pooled[stream.place] = PooledReader(stream, pool)
                    engine.receive(stream)
                    continue
                }
                let reader = try LineReader(
                    engine, stream, slabs: SlabLimits.receiveSlabsDefault,
                    registers: connectionsWanted <= BenchLimits.registeredConnectionsMax)
                readers[stream.place] = reader
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
        for reader in pooled {
            guard let reader, !engine.isClosing(reader.stream) else { continue }
            reader.end()
            engine.close(reader.stream)
        }
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
