public import IOEngine
public import Kernel
public import Port

/// Measures the document's performance table on a port, from the guest, against a
/// ``PortPartner`` on the host. Source: reference/virtio-serial.md, "Performance Characteristics".
///
/// Throughput counts as done when the other end has said that all of it arrived.
public final class PortBench {
    /// How much is done for each row.
    public struct Amounts: Sendable {
        public var smallRounds: UInt64 = 2000
        public var largeRounds: UInt64 = 200
        public var bulkBytes: UInt64 = 128 << 20
        public var operations: UInt64 = 100_000

        public init() {}
    }

    private let engine: IOEngine
    private let session: PortSession
    private let amounts: Amounts
    private let waitMilliseconds: UInt64
    private var answers: [String] = []
    private var times: Percentiles?
    private var isOver = false
    /// How often the patience has woken us since something was last seen to move.
    private var wakes = 0

    static let smallBytes = 100
    static let largeBytes = 100_000
    static let bulkLineBytes = 65_536

    /// - Parameters:
    ///   - endpoint: the port, or what stands for one.
    ///   - engine: which engine it runs on.
    ///   - amounts: how much of each kind of work.
    ///   - waitSeconds: how long to wait for the port and for a partner.
    ///   - allowsForeign: whether another agent's port may be taken.
    /// - Throws: `ProgramFailure` when the engine or memory cannot be had.
    public init(
        _ endpoint: PortEndpoint, engine: IOEngine.Choice, amounts: Amounts = Amounts(),
        waitSeconds: Double = 10, allowsForeign: Bool = false
    ) throws(ProgramFailure) {
        self.amounts = amounts
        waitMilliseconds = UInt64(waitSeconds * 1000)
        self.engine = try Setup.engine(engine)
        session = try PortSession(
            self.engine, endpoint, timers: (TimerKey(0), TimerKey(1)),
            allowsForeign: allowsForeign)
    }

    /// Runs all rows, one after the other.
    public func run() throws(ProgramFailure) -> PortTable {
        session.controlCame = { [unowned self] in answers.append($0) }
        session.ended = { [unowned self] in
            times = $0
            isOver = true
        }
        let patience = try Patience(engine.waker)
        defer { patience.end() }
        session.port.start()
        defer { close() }
        try greet()
        let out = PortRow.Direction.out
        var rows: [PortRow] = []
        for (test, bytes, rounds) in [
            (PortRow.Test.small, Self.smallBytes, amounts.smallRounds),
            (.large, Self.largeBytes, amounts.largeRounds),
        ] {
            try ping(bytes, rounds: max(1, rounds / 10))
            rows.append(
                try measure(test, out, bytes, rounds) { () throws(ProgramFailure) in
                    try ping(bytes, rounds: rounds)
                })
            rows.append(
                try measure(test, .in, bytes, rounds) { () throws(ProgramFailure) in
                    try bePinged(bytes, rounds: rounds)
                })
        }
        let bulkLines = max(1, amounts.bulkBytes / UInt64(Self.bulkLineBytes))
        for (test, bytes, lines) in [
            (PortRow.Test.bulk, Self.bulkLineBytes, bulkLines),
            (.operations, Self.smallBytes, amounts.operations),
        ] {
            rows.append(
                try measure(test, out, bytes, lines) { () throws(ProgramFailure) in
                    try send(bytes, lines: lines)
                })
            rows.append(
                try measure(test, .in, bytes, lines) { () throws(ProgramFailure) in
                    try receive(bytes, lines: lines)
                })
        }
        return PortTable(rows: rows, port: session.port.path)
    }

    private func measure(
        _ test: PortRow.Test, _ direction: PortRow.Direction, _ bytes: Int, _ lines: UInt64,
        _ body: () throws(ProgramFailure) -> Void
    ) throws(ProgramFailure) -> PortRow {
        times = nil
        let meter = Meter(engine)
        try body()
        return PortRow(
            test: test, direction: direction, lineBytes: bytes, frames: lines,
            cost: meter.reading(), times: times)
    }

    private func greet() throws(ProgramFailure) {
        let limit = MonotonicTime.now.adding(milliseconds: waitMilliseconds)
        while !session.isPresent, MonotonicTime.now < limit { turn(until: limit) }
        guard session.isPresent else {
            let why = session.end.map { "\($0)" } ?? "the port is open and no host is connected"
            throw ProgramFailure(.unavailable, "no host came: \(why)")
        }
        session.say("hello")
        while !answers.contains("hello"), session.isPresent, MonotonicTime.now < limit {
            turn(until: limit)
        }
        guard answers.contains("hello") else {
            throw ProgramFailure(
                .unavailable,
                "no partner answers: run `vireo bench partner SOCKET` on the host's socket")
        }
    }

    private func ping(_ bytes: Int, rounds: UInt64) throws(ProgramFailure) {
        session.say("hello")
        begin(.ping(left: Int(rounds)), bytes)
        try wait { isOver }
    }

    private func bePinged(_ bytes: Int, rounds: UInt64) throws(ProgramFailure) {
        begin(.echo, bytes)
        session.say("ping \(bytes) \(rounds)")
        let words = try answer().split(separator: " ").compactMap { Double($0) }
        guard words.count == 4 else {
            throw ProgramFailure(.inputOutput, "the partner's answer has no times")
        }
        times = Percentiles(p50: words[0], p99: words[1], p999: words[2], worst: words[3])
    }

    private func send(_ bytes: Int, lines: UInt64) throws(ProgramFailure) {
        session.say("sink \(lines)")
        begin(.source(left: lines), bytes)
        _ = try answer()
    }

    private func receive(_ bytes: Int, lines: UInt64) throws(ProgramFailure) {
        begin(.sink(left: lines), bytes)
        session.say("source \(bytes) \(lines)")
        try wait { isOver }
        _ = try answer()
    }

    private func begin(_ activity: PortSession.Activity, _ bytes: Int) {
        isOver = false
        answers.removeAll()
        session.begin(activity, lineBytes: bytes)
    }

    private func answer() throws(ProgramFailure) -> String {
        try wait { answers.contains { $0.hasPrefix("done") } }
        return answers.first { $0.hasPrefix("done") } ?? ""
    }

    /// Turns until it is so; as long as something moves there is no limit.
    ///
    /// A turn with a deadline would set a timer in the kernel each time, and be measured with it:
    /// the patience wakes us instead, and then it matters whether anything has moved since.
    private func wait(until isDone: () -> Bool) throws(ProgramFailure) {
        var seen = progress
        wakes = 0
        while !isDone() {
            guard session.isPresent else {
                throw ProgramFailure(.inputOutput, "the host left in the middle")
            }
            turn(until: nil)
            guard wakes > 1 else { continue }
            guard progress != seen else {
                throw ProgramFailure(
                    .inputOutput, "nothing moved for 15 s: the partner hangs, or the machine does")
            }
            seen = progress
            wakes = 0
        }
    }

    private var progress: [UInt64] {
        [session.linesReceived, session.port.channel.counters.bytesSent]
    }

    private func turn(until limit: MonotonicTime?) {
        engine.turn(until: limit) { completion in
            guard let other = session.port.handle(completion) else { return }
            switch consume other {
            case .woken: wakes += 1
            case let rest: rest.abandon()
            }
        }
        session.pump()
    }

    private func close() {
        session.port.stop()
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while !session.port.isClosed, MonotonicTime.now < limit { turn(until: limit) }
    }
}
