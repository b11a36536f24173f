public import IOEngine
public import Kernel
import Slabs

/// Connects, sends a line and waits for its answer, again and again: how long one takes.
public final class Ping {
    private let engine: IOEngine
    private let reader: LineReader
    private let writer: LineWriter
    private let line: LineTemplate
    private var latencies: Latencies
    private let rounds: Int
    private let warmUpRounds: Int
    private var round = 0
    private var startedAt = MonotonicTime.now
    private var meter: Meter?
    private var cost: Cost?
    private var failure: ProgramFailure?

    /// - Parameters:
    ///   - path: of the socket that an echo listens on.
    ///   - lineBytes: 2 to 1,048,576 with the newline.
    ///   - rounds: 1 to 20,000,000 that count; a tenth as many, 1,000 at most, go before them.
    ///   - engine: which engine it runs on.
    /// - Throws: `ProgramFailure` when the engine cannot be had or nobody listens.
    public init(
        path: String, lineBytes: Int, rounds: Int, engine: IOEngine.Choice
    ) throws(ProgramFailure) {
        precondition((1...BenchLimits.roundsMax).contains(rounds))
        self.rounds = rounds
        warmUpRounds = min(1000, rounds / 10)
        latencies = Latencies(capacity: rounds)
        line = LineTemplate(lineBytes: lineBytes)
        self.engine = try Setup.engine(engine)
        let stream = try Setup.connect(self.engine, to: path)
        let isLarge = lineBytes > SlabLimits.slabBytes
        reader = try LineReader(
            self.engine, stream, slabs: isLarge ? SlabLimits.receiveSlabsDefault : 2,
            registers: true)
        writer = try LineWriter(self.engine, stream, slabs: isLarge ? 17 : 2, registers: true)
    }

    /// Runs all rounds; a peer that stays and never answers is waited for without end.
    public func run() throws(ProgramFailure) -> Row {
        begin()
        // Without a deadline: each would cost a timer in the kernel. A peer that leaves ends it.
        while cost == nil, failure == nil { engine.turn { handle($0) } }
        close()
        if let failure { throw failure }
        guard let cost else { throw ProgramFailure(.software, "a run without an end") }
        return row(cost)
    }

    private func row(_ cost: Cost) -> Row {
        let frames = UInt64(rounds)
        var row = Row.throughput("ping", frames: frames, bytes: frames * UInt64(line.count), cost)
        let times = latencies.percentiles()
        row.add("p50_us", .number(times.p50))
        row.add("p99_us", .number(times.p99))
        row.add("p999_us", .number(times.p999))
        row.add("max_us", .number(times.worst))
        return row
    }

    /// The read stands before the line goes out, so that both are one submission.
    private func begin() {
        if !engine.isReading(reader.stream) { reader.startRead() }
        let line = line
        _ = writer.append(line.span)
        startedAt = .now
        writer.startWrite()
    }

    private func handle(_ completion: consuming Completion) {
        switch consume completion {
        case .read(_, let lease, let transfer):
            guard reader.take(lease, transfer) else {
                failure = .transfer("reading", transfer)
                return
            }
            answerCame()
        case .written(_, let lease, let transfer):
            if writer.take(lease, transfer) {
                writer.startWrite()
            } else {
                failure = .transfer("writing", transfer)
            }
        default: break
        }
    }

    private func answerCame() {
        let before = reader.tally.frames
        reader.countFrames(upTo: .max)
        guard reader.tally.frames > before else {
            reader.startRead()
            return
        }
        note(MonotonicTime.now.nanoseconds(since: startedAt))
        guard cost == nil else { return }
        begin()
    }

    private func note(_ nanoseconds: UInt64) {
        round += 1
        if round > warmUpRounds { latencies.record(nanoseconds) }
        if round == warmUpRounds { meter = Meter(engine) }
        if round == rounds + warmUpRounds { cost = meter?.reading() }
    }

    private func close() {
        engine.close(reader.stream)
        while engine.streamCount > 0 {
            engine.turn { completion in
                switch consume completion {
                case .read(_, let lease, let transfer): _ = reader.take(lease, transfer)
                case .written(_, let lease, let transfer): _ = writer.take(lease, transfer)
                default: break
                }
            }
        }
    }
}
