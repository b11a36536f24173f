public import IOEngine
public import Kernel
import Port
import Slabs

/// The host's end of a port that ``PortBench`` measures: answers, counts and sends as the guest
/// asks, one guest at a time.
public final class PortPartner {
    public enum Place: Sendable {
        /// The socket that QEMU listens on.
        case attach(String)
        /// The partner listens, for a guest's end that is `unix:PATH`.
        case listen(String)
    }

    private let place: Place
    private let engine: IOEngine
    private var session: PortSession?
    private var listener: Stream?
    private var signals: Stream?
    private var isEnding = false
    /// Ends ``run()`` from any thread.
    public var stopper: Waker { engine.waker }

    /// - Throws: `ProgramFailure` when the engine cannot be had.
    public init(_ place: Place, engine: IOEngine.Choice) throws(ProgramFailure) {
        self.place = place
        self.engine = try Setup.engine(engine)
    }

    /// Runs until SIGTERM, SIGINT or ``stopper``.
    public func run() throws(ProgramFailure) {
        do {
            let descriptor = try Signals.descriptor(for: [Signals.terminate, Signals.interrupt])
            signals = try engine.attach(descriptor, .device)
        } catch {
            throw ProgramFailure(.software, "\(error)")
        }
        engine.watch(signals!)
        switch place {
        case .attach(let path): try begin(.socket(path))
        case .listen(let path): listener = try Setup.listen(engine, on: path)
        }
        defer { if case .listen(let path) = place { Folders.unlink(path) } }
        while !isEnding {
            engine.turn { handle($0) }
            session?.pump()
        }
        session?.port.stop()
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while session?.port.isClosed == false, MonotonicTime.now < limit {
            engine.turn(until: limit) { handle($0) }
        }
    }

    private func begin(_ endpoint: PortEndpoint) throws(ProgramFailure) {
        let new = try PortSession(engine, endpoint, timers: (TimerKey(0), TimerKey(1)))
        new.begin(.echo)
        new.controlCame = { [weak self, weak new] text in
            if let new { self?.obey(text, new) }
        }
        new.ended = { [weak new] times in
            if let times {
                new?.say("done \(times.p50) \(times.p99) \(times.p999) \(times.worst)")
            } else {
                new?.say("done")
            }
        }
        session = new
        new.port.start()
    }

    private func handle(_ completion: consuming Completion) {
        var left: Completion? = consume completion
        if let session, let one = left.take() { left = session.port.handle(one) }
        guard let own = left else { return }
        switch consume own {
        case .edge(let stream, _):
            if stream == listener { accept(stream) }
            if stream == signals { isEnding = Signals.next(engine.descriptorNumber(stream)) != nil }
        case .woken: isEnding = true
        case .read(_, let lease, _): lease.abandon()
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }

    private func accept(_ listener: Stream) {
        while let descriptor = ListeningSocket.accept(engine.descriptorNumber(listener)) {
            // One guest at a time: the next is taken when the one before has gone.
            if let session, !session.port.isClosed { continue }
            try? begin(.descriptor(descriptor.release()))
        }
    }

    /// What the guest asks for. What is not understood is passed over.
    private func obey(_ text: String, _ session: PortSession) {
        let words = text.split(separator: " ")
        let numbers = words.dropFirst().compactMap { UInt64($0) }
        let lineBytes = numbers.count == 2 ? Int(clamping: numbers[0]) : BenchLimits.lineBytesMin
        let isFit = (BenchLimits.lineBytesMin...BenchLimits.lineBytesMax).contains(lineBytes)
        switch (words.first, numbers.count) {
        case ("hello", _):
            session.begin(.echo)
            session.say("hello")
        case ("sink", 1) where numbers[0] > 0: session.begin(.sink(left: numbers[0]))
        case ("source", 2) where numbers[1] > 0 && isFit:
            session.begin(.source(left: numbers[1]), lineBytes: lineBytes)
        case ("ping", 2) where isFit && (1...1_000_000).contains(numbers[1]):
            session.begin(.ping(left: Int(numbers[1])), lineBytes: lineBytes)
        default: break
        }
    }
}
