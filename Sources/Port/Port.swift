import Framing
public import IOEngine
import Kernel

/// What a port tells its owner. Calls come from within ``Port/handle(_:)``, on the engine's thread.
public protocol PortOwner: AnyObject {
    /// A host is there, for the first time or anew: a lone newline is already on its way to it.
    func hostArrived(at port: Port)
    func hostLeft(_ port: Port)
    /// Frames have come; ``FrameChannel/forEachReceived(_:)`` hands them over.
    func framesCame(to port: Port)
    /// There is no port; another attempt follows in `milliseconds`, or sooner when something
    /// appears.
    func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64)
    /// The port cannot come back: a descriptor that was given has ended.
    func portEnded(_ port: Port, with error: PortError)
}

/// One way to the other side: found, opened, watched, and opened again when it went away.
///
/// ```swift
/// let channel = try FrameChannel(engine: engine)
/// let port = Port(engine: engine, endpoint: .named(PortName.defaults), channel: channel,
///                 timers: (TimerKey(0), TimerKey(1)))
/// port.owner = agent
/// port.start()
/// engine.turn { completion in port.handle(completion) }
/// ```
///
/// A virtio port says 0 to a read when no host is there, which is no end of file: no read is armed
/// then, and the edge of the host's arrival is what wakes us. A socket says 0 when it is over: it
/// is closed and connected again.
public final class Port {
    /// Where a port stands.
    public enum State: Equatable, Sendable {
        case idle
        /// Not open: looking for it, or waiting to.
        case waiting
        /// Open, and nobody at the other end.
        case absent
        case present
        case ended
    }

    public let channel: FrameChannel
    public weak var owner: (any PortOwner)?
    public private(set) var state = State.idle
    public private(set) var lastError: PortError?
    /// How often it was opened, and how often a host appeared.
    public private(set) var opens: UInt64 = 0
    public private(set) var arrivals: UInt64 = 0

    let engine: IOEngine
    var opener: PortOpener
    private var backOff: BackOff
    var presence = Presence()
    var signals = ChangeSignals()
    /// What the scanner was done with when the host was last seen to leave or to change.
    var consumedWhenNoticed: UInt64 = 0
    /// The engine's turn in which the host arrived.
    private var arrivalTurn: UInt64 = 0
    /// A host is there, and the owner is told when the write for the one before has ended.
    private var isArrivalPending = false
    /// What the channel had sent when the host came.
    var bytesSentAtArrival: UInt64 = 0
    /// Data has come, and whether its host is still the same is looked at in a moment.
    var isLookPlanned = false
    private let watch: DirectoryWatch
    let openTimer: TimerKey
    let frameTimer: TimerKey
    var isFrameTimed = false
    var framesWhenTimed: UInt64 = 0
    private var connectedAt: MonotonicTime?
    private var wasFruitful = false
    /// Connections in a row whose peer said nothing and left within a second.
    private var shortConnections: UInt64 = 0
    private var pendingError: PortError?
    private var isStopping = false
    /// The stream is about to be closed: what still comes of it goes home, and nothing more is
    /// asked of it.
    private var isClosing = false

    /// `timers` are two keys of the engine that are this port's alone; for `allowsForeign` see
    /// ``Discovery``.
    public init(
        engine: IOEngine, endpoint: PortEndpoint, channel: FrameChannel,
        timers: (TimerKey, TimerKey), allowsForeign: Bool = false, tree: PortTree = PortTree(),
        backOff: BackOff = BackOff()
    ) {
        self.engine = engine
        self.channel = channel
        self.backOff = backOff
        opener = PortOpener(endpoint: endpoint, tree: tree, allowsForeign: allowsForeign)
        (openTimer, frameTimer) = timers
        watch = DirectoryWatch(engine: engine)
    }

    public var endpoint: PortEndpoint { opener.endpoint }
    /// What was opened last: a path, or the endpoint's text.
    public var path: String { opener.path }

    /// Opens it, or begins to wait for it.
    public func start() {
        guard state == .idle else { return }
        attempt()
    }

    /// Closes it for good; ``handle(_:)`` must be called until ``isClosed``.
    public func stop() {
        isStopping = true
        engine.setTimer(openTimer, at: nil)
        engine.setTimer(frameTimer, at: nil)
        watch.stop()
        guard let stream = channel.stream else {
            state = .ended
            return
        }
        // One that is being closed already ends by itself.
        if !isClosing { close(stream) }
    }

    public var isClosed: Bool { channel.stream == nil }

    // MARK: Opening

    private func attempt() {
        state = .waiting
        let now = engine.now
        do throws(PortError) {
            begin(try opener.open(at: now), at: now)
        } catch {
            wait(after: error, at: now)
        }
    }

    private func begin(_ descriptor: consuming FileDescriptor, at now: MonotonicTime) {
        let stream: Stream
        do {
            stream = try engine.attach(descriptor, opener.isVirtio ? .device : .socket)
        } catch {
            wait(after: .openFailed(path: path, errno: error.errno), at: now)
            return
        }
        opens += 1
        lastError = nil
        pendingError = nil
        presence = Presence()
        isLookPlanned = false
        watch.stop()
        backOff.connected(at: now)
        connectedAt = now
        wasFruitful = false
        channel.attach(stream)
        if opener.isVirtio {
            signals.start(engine.descriptorNumber(stream))
            engine.watch(stream)
            state = .absent
            apply(presence.look(now: pollNow(stream), at: engine.now))
        } else {
            apply(.arrived)
        }
    }

    /// Waits for the next attempt: by the clock, and by the directories in which the port may
    /// appear.
    private func wait(after error: PortError, at now: MonotonicTime) {
        lastError = error
        if case .descriptor = opener.endpoint {
            state = .ended
            owner?.portEnded(self, with: error)
            return
        }
        state = .waiting
        watch.start(opener.directories)
        var milliseconds = backOff.next(at: now)
        if opener.isWaitingForName {
            milliseconds = min(milliseconds, PortLimits.backOffMillisecondsMin)
        }
        engine.setTimer(openTimer, at: now.adding(milliseconds: milliseconds))
        owner?.portWaits(self, after: error, milliseconds: milliseconds)
    }

    // MARK: Completions

    /// Takes a completion that is this port's own; gives any other back.
    public func handle(_ completion: consuming Completion) -> Completion? {
        if let stream = completion.stream, stream == channel.stream {
            handleOwn(completion, stream)
            return nil
        }
        if let stream = completion.stream, stream.place == watch.place {
            if case .edge = completion { somethingAppeared() }
            return nil
        }
        if let key = completion.timerKey, key == openTimer || key == frameTimer {
            key == openTimer ? timerFired() : partialFrameTimedOut()
            return nil
        }
        return completion
    }

    private func handleOwn(_ completion: consuming Completion, _ stream: Stream) {
        switch consume completion {
        case .read(_, let lease, let transfer):
            channel.readEnded(lease, transfer)
            if !isClosing { readEnded(transfer) }
        case .written(_, let lease, let transfer):
            channel.writeEnded(lease, transfer)
            guard !isClosing else { return }
            if isArrivalPending, channel.isSynchronized { announceArrival() }
            writeEnded(transfer)
        case .edge(_, let edges): if !isClosing { edge(stream, edges) }
        case .closed: closed()
        default: preconditionFailure("a completion of a stream that is none")
        }
    }

    private func readEnded(_ transfer: Transfer) {
        switch transfer {
        case .bytes(0): readZero()
        case .bytes:
            wasFruitful = true
            presence.read(at: engine.now)
            if let count = signals.takeWhileReading() { presence.signalled(count) }
            owner?.framesCame(to: self)
            if opener.isVirtio, engine.turns <= arrivalTurn + 1 { dropOldPartialFrame() }
            notePartialFrame()
            channel.readMore()
        case .failed(.cancelled): if state == .present { channel.readMore() }
        case .failed(let errno): failed(errno)
        }
    }

    private func readZero() {
        guard let stream = channel.stream else { return }
        if opener.isVirtio {
            channel.dropPartialFrame()
            apply(presence.readZero(now: pollNow(stream), at: engine.now))
        } else {
            lose(.hostDisconnected(path: path))
        }
    }

    private func writeEnded(_ transfer: Transfer) {
        switch transfer {
        case .bytes(0):
            // Short of memory in the driver: no edge will tell, so look again soon.
            engine.setTimer(
                openTimer,
                at: engine.now.adding(milliseconds: PortLimits.emptyWriteMilliseconds))
        case .bytes: channel.sendMore()
        case .failed(.again):
            if opener.isVirtio, let stream = channel.stream {
                apply(presence.writeRefused(now: pollNow(stream), at: engine.now))
            }
        case .failed(.cancelled): break
        case .failed(let errno): failed(errno)
        }
    }

    func apply(_ change: Presence.Change) {
        switch change {
        case .none: break
        case .left: left()
        case .arrived: arrived()
        case .replaced:
            left()
            arrived()
        }
    }

    private func arrived() {
        state = .present
        arrivals += 1
        // What is held of a frame is the old host's, unless a newline has come since it was seen to
        // leave; so is what the kernel had ready by now.
        arrivalTurn = engine.turns
        if opener.isVirtio { dropOldPartialFrame() }
        isArrivalPending = true
        bytesSentAtArrival = channel.counters.bytesSent
        if channel.hostArrived() { announceArrival() }
    }

    private func announceArrival() {
        isArrivalPending = false
        owner?.hostArrived(at: self)
        channel.sendMore()
    }

    private func left() {
        state = .absent
        channel.hostLeft()
        guard !isArrivalPending else {
            isArrivalPending = false
            return
        }
        owner?.hostLeft(self)
    }

    private func failed(_ errno: Errno) {
        switch errno {
        case .noDevice, .noSuchDeviceOrAddress: lose(.portGone(path: path))
        case .pipe, .connectionReset: lose(.hostDisconnected(path: path))
        default: lose(.inputOutput(path: path, errno: errno))
        }
    }

    /// The stream is over: it is closed, and when that is done, the next attempt is planned.
    func lose(_ error: PortError) {
        guard let stream = channel.stream, pendingError == nil, !isStopping else { return }
        pendingError = error
        if state == .present { left() }
        state = .waiting
        close(stream)
    }

    private func close(_ stream: Stream) {
        engine.setTimer(frameTimer, at: nil)
        isFrameTimed = false
        isClosing = true
        channel.hostLeft()
        engine.close(stream)
    }

    private func closed() {
        isClosing = false
        signals.stop()
        channel.dropPartialFrame()
        channel.detach()
        guard !isStopping else {
            state = .ended
            return
        }
        let now = engine.now
        let error = pendingError ?? .hostDisconnected(path: path)
        // A peer may be about to be back: look at once, then by the clock. One that leaves again
        // and again without having said anything is looked for after waits that double.
        if case .hostDisconnected = error, case .socket = opener.endpoint {
            shortConnections = wasFruitful || isOld(at: now) ? 0 : shortConnections + 1
            let doubled = PortLimits.reconnectMilliseconds << min(shortConnections, 13)
            lastError = error
            watch.start(opener.directories)
            engine.setTimer(
                openTimer,
                at: now.adding(milliseconds: min(doubled, PortLimits.backOffMillisecondsMax)))
        } else {
            wait(after: error, at: now)
        }
    }

    private func isOld(at now: MonotonicTime) -> Bool {
        guard let connectedAt else { return false }
        return now.nanoseconds(since: connectedAt) >= PortLimits.backOffMillisecondsMin * 1_000_000
    }

    private func somethingAppeared() {
        watch.drain()
        guard state == .waiting, channel.stream == nil else { return }
        backOff.reset()
        engine.setTimer(
            openTimer, at: engine.now.adding(milliseconds: PortLimits.settleMilliseconds))
    }

    private func timerFired() {
        guard !isClosing else { return }
        if let stream = channel.stream {
            if isLookPlanned {
                look(stream, [])
            } else if presence.isSuspicious {
                apply(
                    presence.settleSuspicion(
                        now: pollNow(stream), newSignals: signals.take(), at: engine.now))
            }
            channel.sendMore()
        } else if state == .waiting {
            attempt()
        }
    }
}
