public import IOEngine
public import Kernel
import Slabs

/// Listens, and answers each line with itself: many connections, one after the other or at once.
///
/// A peer that does not read its answers is not read from either, until it does.
public final class Echo {
    private final class Connection {
        let reader: LineReader
        let writer: LineWriter
        /// The peer sends no more; what waits is still sent.
        var isFinishing = false
        var isReading = false
        var isClosing = false

        init(_ engine: IOEngine, _ stream: Stream) throws(ProgramFailure) {
            // Not registered: an engine takes 16 rings in its life, and connections come and go.
            reader = try LineReader(engine, stream, slabs: 17, registers: false)
            writer = try LineWriter(engine, stream, slabs: 17, registers: false)
        }
    }

    private let path: String
    private let engine: IOEngine
    private var connections: [Connection?]
    private var listener: Stream?
    private var signals: Stream?
    private var isEnding = false
    public private(set) var lines: UInt64 = 0
    /// Ends ``run()`` from any thread.
    public var stopper: Waker { engine.waker }

    /// - Throws: `ProgramFailure` when the engine cannot be had.
    public init(path: String, engine: IOEngine.Choice) throws(ProgramFailure) {
        self.path = path
        let places = 1024
        self.engine = try Setup.engine(engine, streamsMax: places)
        connections = Array(repeating: nil, count: places)
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
        listener = try Setup.listen(engine, on: path)
        defer { Folders.unlink(path) }
        while !isEnding { engine.turn { handle($0) } }
        close()
    }

    private func handle(_ completion: consuming Completion) {
        switch consume completion {
        case .read(let stream, let lease, let transfer):
            guard let connection = connections[stream.place] else { return lease.abandon() }
            connection.isReading = false
            if !connection.reader.take(lease, transfer) { connection.isFinishing = true }
            goOn(connection)
        case .written(let stream, let lease, let transfer):
            guard let connection = connections[stream.place] else { return lease.abandon() }
            if connection.writer.take(lease, transfer) {
                goOn(connection)
            } else {
                end(connection)
            }
        case .edge(let stream, _):
            if stream == listener { acceptAll(stream) }
            if stream == signals { isEnding = Signals.next(engine.descriptorNumber(stream)) != nil }
        case .woken: isEnding = true
        case .closed(let stream): connections[stream.place] = nil
        default: break
        }
    }

    /// Moves what came to what goes, writes, and reads on once all of it has moved.
    private func goOn(_ connection: Connection) {
        guard !isEnding, !connection.isClosing else { return }
        let writer = connection.writer
        let isAllMoved = connection.reader.forEachLine { line in
            guard writer.append(line) else { return false }
            lines += 1
            return true
        }
        writer.startWrite()
        if connection.isFinishing {
            if isAllMoved && !writer.isWriting { end(connection) }
        } else if isAllMoved, !connection.isReading {
            connection.isReading = true
            connection.reader.startRead()
        }
    }

    private func end(_ connection: Connection) {
        let stream = connection.reader.stream
        guard !connection.isClosing else { return }
        connection.isClosing = true
        engine.close(stream)
    }

    private func acceptAll(_ listener: Stream) {
        while let descriptor = ListeningSocket.accept(engine.descriptorNumber(listener)) {
            // One more than there are places for is closed at once.
            guard let stream = try? engine.attach(descriptor, .socket) else { continue }
            guard let connection = try? Connection(engine, stream) else {
                engine.close(stream)
                continue
            }
            connections[stream.place] = connection
            connection.isReading = true
            connection.reader.startRead()
        }
    }

    private func close() {
        for connection in connections { if let connection { end(connection) } }
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while connections.contains(where: { $0 != nil }), MonotonicTime.now < limit {
            engine.turn(until: limit) { handle($0) }
        }
    }
}
