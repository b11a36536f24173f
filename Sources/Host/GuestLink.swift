public import IOEngine
public import Kernel
public import Port
public import Session
public import Wire

/// What a host hears of one guest. Calls come from within ``GuestLink/handle(_:)``.
public protocol GuestObserver: AnyObject {
    /// One frame that is strict JSON, and what it says. The frame is the first `count` bytes.
    func guest(_ link: GuestLink, said message: GuestMessage, in readable: RawSpan, count: Int)
    /// ``GuestLink/state`` is another one.
    func guestChanged(_ link: GuestLink)
    /// The answer to a command, or a piece of it.
    func guest(_ link: GuestLink, answered id: String, isLast: Bool, in frame: RawSpan)
    /// The guest keeps its metrics for a host that acknowledges, and this one does not.
    func guestWithholds(_ link: GuestLink)
    /// Messages could not be made safe; they come again when they can be.
    func guest(_ link: GuestLink, cannotBeStored failure: Errno)
    /// These numbers never came, and the guest no longer has them.
    func guest(_ link: GuestLink, lost range: SessionRange)
}

extension GuestObserver {
    public func guest(
        _ link: GuestLink, answered id: String, isLast: Bool, in frame: RawSpan
    ) {}
    public func guestWithholds(_ link: GuestLink) {}
    public func guest(_ link: GuestLink, cannotBeStored failure: Errno) {}
    public func guest(_ link: GuestLink, lost range: SessionRange) {}
}

/// The host's end of one guest's port: greets, listens, and connects again when QEMU went away.
///
/// The guest is who its socket says, never what its messages say.
public final class GuestLink: PortOwner {
    public enum State: Equatable, Sendable {
        case connecting(PortError?)
        /// Connected, and not a byte has come yet.
        case attached
        /// Nothing came for three seconds: somebody else is attached, or no agent runs.
        case silent
        case talking
        case ended
    }

    /// The socket's path, or a number for a connection that came in.
    public let name: String
    public let port: Port
    public weak var observer: (any GuestObserver)?
    public private(set) var state = State.connecting(nil)
    public private(set) var handshake: Handshake?
    /// Frames that were not strict JSON.
    public private(set) var framesRefused: UInt64 = 0
    public private(set) var lastHeard: MonotonicTime?

    /// The acknowledging session, for a host with a state; see `GuestLink+Session.swift`.
    var stored: StoredSession?
    /// For one of many connections to a socket of ours.
    var sessions: ListenerSessions?
    let engine: IOEngine
    let sessionTimer: TimerKey
    private let silenceTimer: TimerKey
    private var parser: JSONParser

    /// - Parameters:
    ///   - name: what people call the guest.
    ///   - endpoint: its socket.
    ///   - engine: the engine of the calling thread.
    ///   - first: the first of as many keys of the engine as ``HostLimits/timersPerGuest`` in a row
    ///     that are this link's alone.
    ///   - stored: where its messages are kept; without it nothing is acknowledged.
    /// - Throws: `ProgramFailure` when there is no memory for it.
    public init(
        name: String, endpoint: PortEndpoint, engine: IOEngine, timers first: TimerKey,
        stored: StoredSession? = nil
    ) throws(ProgramFailure) {
        self.name = name
        self.engine = engine
        self.stored = stored
        let timers = (0..<UInt32(HostLimits.timersPerGuest)).map { TimerKey(first.number + $0) }
        silenceTimer = timers[2]
        sessionTimer = timers[3]
        do {
            // Not registered: a host has many rings, and locked memory is short.
            let channel = try FrameChannel(engine: engine, registers: false)
            port = Port(
                engine: engine, endpoint: endpoint, channel: channel, timers: (timers[0], timers[1])
            )
            parser = try JSONParser()
        } catch {
            throw ProgramFailure(.tryAgain, "\(name): \(error)")
        }
        port.owner = self
    }

    public func start() {
        port.start()
    }

    /// Takes a completion that is this link's own; gives any other back.
    public func handle(_ completion: consuming Completion) -> Completion? {
        if completion.timerKey == silenceTimer {
            if state == .attached { become(.silent) }
            return nil
        }
        if completion.timerKey == sessionTimer {
            sessionWasDue()
            return nil
        }
        return port.handle(completion)
    }

    /// Sends a control message.
    ///
    /// - Returns: whether it found room.
    @discardableResult
    public func send(_ message: some WireMessage) -> Bool {
        let isQueued = port.channel.appendControl { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = message.encode(into: &writer) else { return 0 }
            return count
        }
        port.channel.sendMore()
        return isQueued
    }

    func become(_ new: State) {
        guard new != state else { return }
        state = new
        observer?.guestChanged(self)
    }

    // MARK: PortOwner

    public func hostArrived(at port: Port) {
        handshake = nil
        become(.attached)
        let limit = MonotonicTime.now.adding(milliseconds: HostLimits.silenceMilliseconds)
        engine.setTimer(silenceTimer, at: limit)
        if stored?.session == nil { send(HandshakeRequest()) }
        perform { $0.connected(at: $1) }
    }

    public func hostLeft(_ port: Port) {
        engine.setTimer(silenceTimer, at: nil)
        stored?.session?.disconnected()
        setSessionTimer()
        become(.connecting(port.lastError))
    }

    public func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {
        become(.connecting(error))
    }

    public func portEnded(_ port: Port, with error: PortError) {
        become(.ended)
    }

    public func framesCame(to port: Port) {
        lastHeard = .now
        engine.setTimer(silenceTimer, at: nil)
        port.channel.forEachReceived { received in
            switch received {
            case .frame(let readable, let count): take(readable, count)
            case .overlong: framesRefused += 1
            }
        }
        pauseIfFull()
        setSessionTimer()
    }

    private func take(_ readable: RawSpan, _ count: Int) {
        do throws(JSONError) {
            try parser.parse(readable, count: count)
        } catch {
            framesRefused += 1
            return
        }
        // A frame is an object, and `socket` is the host's own word in what it prints.
        guard parser.root.type == .object, parser.root.member("socket") == nil else {
            framesRefused += 1
            return
        }
        become(.talking)
        let message = GuestMessage(parser.root)
        if case .handshake(let greeting) = message { handshake = greeting }
        guard isNew(message, Numbering(of: parser.root), readable.extracting(first: count)) else {
            return
        }
        if stored == nil { noteWithheld(message) }
        observer?.guest(self, said: message, in: readable, count: count)
        if let id = parser.root.member("id")?.string {
            let type = parser.root.member("type")?.string
            guard type == "response" || type == "exec_output" || type == "error" else { return }
            observer?.guest(
                self, answered: id, isLast: type != "exec_output",
                in: readable.extracting(first: count))
        }
    }
}

/// What the host side bounds.
public enum HostLimits {
    /// Milliseconds without a byte after attaching, after which somebody else must be attached: an
    /// agent answers a handshake_request at once, and QEMU serves one client.
    public static let silenceMilliseconds: UInt64 = 3000

    /// Guests watched at a time, or connections taken in at a time by `--listen`.
    public static let guestsMax = 256

    /// Timers of one guest: two of its port, silence, session.
    public static let timersPerGuest = 4

    /// Clients of all control sockets at a time. One more is closed.
    static let clientsMax = 64
    /// Timers of one client: two of its port.
    static let timersPerClient = 2

    /// Milliseconds after a handshake in which a plain host's first metrics come: the guest waits
    /// two seconds for an acknowledgement, and a sample has its time.
    static let withheldMilliseconds: UInt64 = 5000

    /// Sessions kept of connections that came in and ended, for agents that come back.
    static let sessionsKeptMax = 64
}
