public import IOEngine
public import Kernel
import Port
public import Session
import Slabs
public import Wire

/// What is done with what guests say: a table, rows, or JSON lines.
public protocol WatchView: AnyObject {
    func said(_ message: GuestMessage, by link: GuestLink, in readable: RawSpan, count: Int)
    func changed(_ link: GuestLink)
    /// Called after each turn in which something happened, and at ``refreshMilliseconds``.
    func show(_ links: [GuestLink])
    func end()
    /// Nobody reads what is shown any more: the watch ends.
    var isBroken: Bool { get }
    /// How often ``show(_:)`` is called although nothing happened; `nil`: never.
    var refreshMilliseconds: UInt64? { get }
}

/// Watches guests: attaches to QEMU's sockets, or listens for agents that connect by themselves.
public final class Watch: GuestObserver {
    public struct Configuration: Sendable {
        /// Sockets that QEMU listens on, or patterns of them.
        public var sockets: [String] = []
        /// The path to listen on instead.
        public var listenPath: String?
        /// One end of a connection that stands already, and what to call the other; the watch takes
        /// the descriptor over, and ends with the connection.
        public var connection: (descriptor: Int32, name: String)?
        /// Where messages are kept, and what was received of each guest: with it they are
        /// acknowledged, and a guest sends again what is missing.
        public var stateFolder: String?
        public var engine = IOEngine.Choice.automatic
        /// Ends after this many seconds, if set.
        public var seconds: Double?

        public init() {}
    }

    private enum Key {
        static let refresh = TimerKey(0)
        static let end = TimerKey(1)
        static let first: UInt32 = 2
        static let perLink = UInt32(HostLimits.timersPerGuest)
    }

    private let configuration: Configuration
    private let view: any WatchView
    private let engine: IOEngine
    private var links: [GuestLink] = []
    private let guestKeys: KeyPool
    private let clientKeys: KeyPool
    /// By the path of the guest's socket.
    private var controls: [String: ControlServer] = [:]
    private var keys: [ObjectIdentifier: UInt32] = [:]
    private var listener: Stream?
    private var signals: Stream?
    private var accepted = 0
    private var isEnding = false
    private let store: MessageStore?
    private var listenerSessions: ListenerSessions?
    private var failure: ProgramFailure?
    /// Told why a guest cannot be reached, once for each reason: for views that do not show it.
    public var report: ((String) -> Void)?
    private var reported: [String: String] = [:]
    /// Called once a turn: ends the watch when it answers `true`. For whoever runs a child beside
    /// it.
    public var shouldEnd: (() -> Bool)?

    /// - Throws: `ProgramFailure` when the engine or the listening socket cannot be had.
    public init(_ configuration: Configuration, view: any WatchView) throws(ProgramFailure) {
        self.configuration = configuration
        self.view = view
        let guests = HostLimits.guestsMax
        do {
            engine = try IOEngine(
                configuration.engine, streamsMax: 3 * guests + HostLimits.clientsMax + 8,
                timersMax: Int(Key.first) + HostLimits.timersPerGuest * guests
                    + HostLimits.timersPerClient * HostLimits.clientsMax)
        } catch {
            throw ProgramFailure(.unavailable, "the engine cannot be had: \(error)")
        }
        let waker = engine.waker
        store = try configuration.stateFolder.map { folder throws(ProgramFailure) in
            try MessageStore(folder: folder, waker: waker)
        }
        guestKeys = KeyPool(first: Key.first, count: guests, each: HostLimits.timersPerGuest)
        clientKeys = KeyPool(
            first: Key.first + UInt32(HostLimits.timersPerGuest * guests),
            count: HostLimits.clientsMax, each: HostLimits.timersPerClient)
    }

    /// Runs until SIGINT or SIGTERM, or the configured seconds.
    public func run() throws(ProgramFailure) {
        try takeSignals()
        if let path = configuration.listenPath {
            try listen(on: path)
        } else if let connection = configuration.connection {
            try add(
                connection.name, .descriptor(connection.descriptor), storedAs: connection.name)
        } else {
            for pattern in configuration.sockets {
                for path in Folders.matches(pattern) {
                    try add(path, .socket(path), storedAs: path)
                }
            }
        }
        if let seconds = configuration.seconds {
            engine.setTimer(
                Key.end, at: MonotonicTime.now.adding(nanoseconds: UInt64(seconds * 1e9)))
        }
        scheduleRefresh()
        view.show(links)
        while !isEnding {
            engine.turn { handle($0) }
            removeEnded()
            view.show(links)
            if view.isBroken { isEnding = true }
            if configuration.connection != nil, links.isEmpty { isEnding = true }
        }
        closeAll()
        view.end()
        if let failure { throw failure }
    }

    private func takeSignals() throws(ProgramFailure) {
        do {
            let descriptor = try Signals.descriptor(
                for: [Signals.terminate, Signals.interrupt, Signals.windowChanged])
            signals = try engine.attach(descriptor, .device)
        } catch {
            throw ProgramFailure(.software, "\(error)")
        }
        engine.watch(signals!)
    }

    private func listen(on path: String) throws(ProgramFailure) {
        do {
            let descriptor = try ListeningSocket.open(path)
            listener = try engine.attach(descriptor, .device)
        } catch {
            throw ProgramFailure(
                .unavailable,
                "listening on \(path) failed: \(error). Use a path in a folder of your own.")
        }
        engine.watch(listener!)
    }

    /// - Parameter place: the name under which its messages are kept; `nil` for one of many
    ///   behind a listening socket.
    private func add(
        _ name: String, _ endpoint: PortEndpoint, storedAs place: String? = nil
    ) throws(ProgramFailure) {
        guard let key = guestKeys.take() else {
            throw ProgramFailure(.unavailable, "at most \(HostLimits.guestsMax) guests at a time")
        }
        var stored: StoredSession?
        if let store {
            let log = try store.open(place ?? configuration.listenPath ?? name)
            stored = StoredSession(store, log, isOneGuest: place != nil)
            if place == nil, listenerSessions == nil {
                listenerSessions = ListenerSessions(store, log)
            }
        }
        let link = try GuestLink(
            name: name, endpoint: endpoint, engine: engine, timers: TimerKey(key), stored: stored)
        if place == nil { link.sessions = listenerSessions }
        keys[ObjectIdentifier(link)] = key
        link.observer = self
        links.append(link)
        offerControl(link, socket: place ?? configuration.listenPath)
        link.start()
    }

    /// A watch without a control socket still watches, and says why it has none.
    private func offerControl(_ link: GuestLink, socket: String?) {
        guard let socket, configuration.connection == nil, controls[socket] == nil else { return }
        do throws(ProgramFailure) {
            controls[socket] = try ControlServer(
                link, socket: socket, engine: engine, keys: clientKeys)
        } catch {
            report?("\(error)")
        }
    }

    private func handle(_ completion: consuming Completion) {
        var left: Completion? = consume completion
        for control in controls.values {
            guard let one = left.take() else { return }
            left = control.handle(one)
        }
        for link in links {
            guard let one = left.take() else { return }
            left = link.handle(one)
        }
        guard let own = left else { return }
        switch consume own {
        case .edge(let stream, _):
            if stream == listener { acceptAll(stream) }
            if stream == signals { readSignals(stream) }
        case .woken: takeOutcomes()
        case .timer(Key.refresh): scheduleRefresh()
        case .timer(Key.end): isEnding = true
        case .read(_, let lease, _): lease.abandon()
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }

    private func acceptAll(_ stream: Stream) {
        while let descriptor = ListeningSocket.accept(engine.descriptorNumber(stream)) {
            accepted += 1
            // One more than there is room for is closed, and its agent tries again later.
            guard !guestKeys.isEmpty else { continue }
            let number = descriptor.release()
            do {
                try add("guest-\(accepted)", .descriptor(number))
            } catch {
                _ = FileDescriptor(owning: number)
            }
        }
    }

    private func readSignals(_ stream: Stream) {
        while let signal = Signals.next(engine.descriptorNumber(stream)) {
            if signal == Signals.terminate || signal == Signals.interrupt { isEnding = true }
        }
    }

    private func takeOutcomes() {
        for outcome in store?.takeOutcomes() ?? [] {
            for link in links { link.noteOutcome(outcome) }
            listenerSessions?.noteOutcome(outcome)
        }
    }

    private func scheduleRefresh() {
        guard let milliseconds = view.refreshMilliseconds else { return }
        engine.setTimer(Key.refresh, at: MonotonicTime.now.adding(milliseconds: milliseconds))
    }

    private func removeEnded() {
        for control in controls.values { control.removeEnded() }
        for link in links where link.state == .ended && link.port.isClosed {
            listenerSessions?.ended(link)
            if let key = keys.removeValue(forKey: ObjectIdentifier(link)) { guestKeys.give(key) }
            for (path, control) in controls where control.serves(link) {
                control.close()
                controls[path] = nil
            }
        }
        links.removeAll { $0.state == .ended && $0.port.isClosed }
    }

    private func closeAll() {
        for control in controls.values { control.close() }
        for link in links { link.port.stop() }
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while !isClosed, MonotonicTime.now < limit {
            engine.turn(until: limit) { handle($0) }
        }
        store?.end()
        if configuration.listenPath != nil { Folders.unlink(configuration.listenPath!) }
    }

    private var isClosed: Bool {
        links.allSatisfy { $0.port.isClosed } && controls.values.allSatisfy { $0.isClosed }
    }

    // MARK: GuestObserver

    public func guest(
        _ link: GuestLink, said message: GuestMessage, in readable: RawSpan, count: Int
    ) {
        view.said(message, by: link, in: readable, count: count)
        guard case .handshake = message else { return }
        for control in controls.values where control.serves(link) {
            control.greeted(readable.extracting(first: count))
        }
    }

    public func guest(
        _ link: GuestLink, answered id: String, isLast: Bool, in frame: RawSpan
    ) {
        for control in controls.values where control.serves(link) {
            control.answered(id, isLast: isLast, frame)
        }
    }

    public func guestWithholds(_ link: GuestLink) {
        report?(
            """
            \(link.name): connected, and no metrics came. This guest was acknowledged before and \
            keeps them for such a host: give --state DIR.
            """)
    }

    public func guest(_ link: GuestLink, cannotBeStored failure: Errno) {
        report?(
            """
            \(link.name): messages cannot be stored: \(failure). They stay with the guest; make \
            room in \(configuration.stateFolder ?? "the state's folder").
            """)
    }

    public func guest(_ link: GuestLink, lost range: SessionRange) {
        report?("\(link.name): the messages \(range.from) to \(range.to) are lost")
    }

    public func guestChanged(_ link: GuestLink) {
        view.changed(link)
        if case .connecting(let error?) = link.state, reported[link.name] != "\(error)" {
            reported[link.name] = "\(error)"
            report?("\(link.name): \(error)")
        }
        guard link.state == .silent, configuration.sockets.count == 1, links.count == 1 else {
            return
        }
        failure = ProgramFailure(
            .unavailable,
            """
            \(link.name): connected, and nothing came for 3 s. QEMU serves one client: somebody \
            else is attached (see ss -xp), or no agent runs in the guest.
            """)
        isEnding = true
    }
}
