public import Kernel
import Wire

/// Plays the host for an agent, as a script says: slow, forgetful, dropping, or well behaved.
///
/// ```swift
/// let host = try MockHost(listeningOn: "/run/vireo/host.sock", script: script, show: print)
/// let outcome = try host.run()
/// ```
///
/// It serves one connection at a time, as QEMU does, and knows of numbers only what its script
/// makes it look at.
public final class MockHost {
    /// How a script ended.
    public enum Outcome: Equatable, Sendable {
        case passed
        /// In a line of the script, and why.
        case failed(line: Int, reason: String)
        /// A signal ended it.
        case interrupted
    }

    let path: String
    let listener: FileDescriptor
    let signals: FileDescriptor
    let script: MockScript?
    let show: (String) -> Void
    var parser: JSONParser
    var connection: MockConnection?

    var offer: SessionOffer?
    var lastNumber: (epoch: Epoch, sequence: UInt64)?
    var acknowledging = MockScript.Acknowledging.never
    /// Numbered messages since the last acknowledgement, and when the first of them came.
    var unacknowledged: (count: UInt64, since: MonotonicTime)?
    var track = NumberTrack()
    var isTracking = false
    /// Whether each handshake is answered by itself.
    var answersAll = false
    /// The first number that came out of order.
    var violation: String?
    var isInterrupted = false
    var messagesReceived: UInt64 = 0

    /// - Parameters:
    ///   - path: of the socket, mode 0600; a stale one of this user is taken away.
    ///   - script: without one, every message is acknowledged until a signal comes.
    ///   - show: told of every message that came, and of nothing else.
    /// - Throws: why it cannot listen.
    public init(
        listeningOn path: String, script: MockScript?, show: @escaping (String) -> Void
    ) throws(ProgramFailure) {
        self.path = path
        self.script = script
        self.show = show
        do throws(Errno) {
            signals = try Signals.descriptor(for: [Signals.terminate, Signals.interrupt])
            listener = try ListeningSocket.open(path)
        } catch {
            throw ProgramFailure(.unavailable, "\(path): cannot listen: \(error)")
        }
        do throws(JSONError) {
            parser = try JSONParser()
        } catch {
            throw ProgramFailure(.tryAgain, "\(error)")
        }
    }

    /// Plays the script to its end, or until a signal.
    public func run() throws(ProgramFailure) -> Outcome {
        defer { Folders.unlink(path) }
        guard let script else { return serve() }
        do {
            try perform(script.lines)
            return .passed
        } catch {
            switch error {
            case .passed: return .passed
            case .interrupted: return .interrupted
            case .failed(let line, let reason): return .failed(line: line, reason: reason)
            case .unreadable(let failure): throw failure
            }
        }
    }

    /// Without a script: a host as it should be, until a signal.
    private func serve() -> Outcome {
        acknowledging = .lazily(1)
        isTracking = true
        answersAll = true
        while !isInterrupted {
            if connection == nil {
                guard acceptOne(until: nil) else { continue }
                greet()
            }
            turn(until: nil)
            while let message = nextMessage() {
                if message.type == "keep_alive" { respond(to: message) }
            }
            if connection?.hasEnded == true { connection = nil }
        }
        return .interrupted
    }

    /// The host in the field answers each keep-alive; the guest must leave it at that.
    private func respond(to message: MockMessage) {
        guard let number = message.sequenceNumber else { return }
        send(
            KeepAlive(
                .response, sequenceNumber: number,
                wallMilliseconds: WallTime.now.millisecondsSince1970))
    }

    // MARK: The connection

    /// Takes in the next connection, and closes the one before.
    ///
    /// - Returns: whether one came.
    func acceptOne(until limit: MonotonicTime?) -> Bool {
        connection = nil
        while !isInterrupted {
            if let socket = ListeningSocket.accept(listener.number) {
                connection = MockConnection(socket)
                unacknowledged = nil
                return true
            }
            let now = MonotonicTime.now
            if let limit, now >= limit { return false }
            wait(for: SocketTransfer.Interest(listener.number), at: now, until: limit)
        }
        return false
    }

    /// Waits for something to happen on the connection, and moves what can be moved.
    func turn(until limit: MonotonicTime?) {
        guard let connection else { return }
        let now = MonotonicTime.now
        acknowledgeWhatIsDue(at: now)
        // A slow reader looks again soon; so does one that owes an acknowledgement.
        var next = limit
        let isPaced = connection.bytesPerSecond != nil
        if isPaced || unacknowledged != nil {
            let soon = now.adding(milliseconds: 5)
            next = min(limit ?? soon, soon)
        }
        let ready = wait(for: connection.interest(at: now), at: now, until: next)
        connection.transfer(ready, at: .now)
    }

    /// - Returns: what the descriptor is ready for.
    @discardableResult
    private func wait(
        for interest: SocketTransfer.Interest, at now: MonotonicTime, until limit: MonotonicTime?
    ) -> SocketTransfer.Readiness {
        let milliseconds = limit.map { $0.nanoseconds(since: now) / 1_000_000 + 1 } ?? 3_600_000
        let ready = SocketTransfer.wait(
            for: [SocketTransfer.Interest(signals.number), interest], milliseconds: milliseconds)
        if ready[0].reads, Signals.next(signals.number) != nil { isInterrupted = true }
        return ready[1]
    }

    func send(_ message: some WireMessage) {
        if let frame = message.frame() { connection?.send(frame) }
    }

    func greet() {
        connection?.send([0x0A])
        send(HandshakeRequest())
    }
}
