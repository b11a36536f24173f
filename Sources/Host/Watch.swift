public import IOEngine
public import Kernel
import Port
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
        public var engine = IOEngine.Choice.automatic
        /// Ends after this many seconds, if set.
        public var seconds: Double?

        public init() {}
    }

    private enum Key {
        static let refresh = TimerKey(0)
        static let end = TimerKey(1)
        static let first: UInt32 = 2
        static let perLink: UInt32 = 3
    }

    private let configuration: Configuration
    private let view: any WatchView
    private let engine: IOEngine
    private var links: [GuestLink] = []
    private var freeKeys: [UInt32] = []
    private var keys: [ObjectIdentifier: UInt32] = [:]
    private var listener: Stream?
    private var signals: Stream?
    private var accepted = 0
    private var isEnding = false
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
                configuration.engine, streamsMax: 2 * guests + 8,
                timersMax: Int(Key.first + Key.perLink) + 3 * guests)
        } catch {
            throw ProgramFailure(.unavailable, "the engine cannot be had: \(error)")
        }
        freeKeys = (0..<UInt32(guests)).reversed().map { Key.first + $0 * Key.perLink }
    }

    /// Runs until SIGINT or SIGTERM, or the configured seconds.
    public func run() throws(ProgramFailure) {
        try takeSignals()
        if let path = configuration.listenPath {
            try listen(on: path)
        } else if let connection = configuration.connection {
            try add(connection.name, .descriptor(connection.descriptor))
        } else {
            for pattern in configuration.sockets {
                for path in Folders.matches(pattern) { try add(path, .socket(path)) }
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

    private func add(_ name: String, _ endpoint: PortEndpoint) throws(ProgramFailure) {
        guard let key = freeKeys.popLast() else {
            throw ProgramFailure(.unavailable, "at most \(HostLimits.guestsMax) guests at a time")
        }
        let link = try GuestLink(
            name: name, endpoint: endpoint, engine: engine,
            timers: (TimerKey(key), TimerKey(key + 1), TimerKey(key + 2)))
        keys[ObjectIdentifier(link)] = key
        link.observer = self
        links.append(link)
        link.start()
    }

    private func handle(_ completion: consuming Completion) {
        var left: Completion? = consume completion
        for link in links {
            guard let one = left.take() else { return }
            left = link.handle(one)
        }
        guard let own = left else { return }
        switch consume own {
        case .edge(let stream, _):
            if stream == listener { acceptAll(stream) }
            if stream == signals { readSignals(stream) }
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
            guard !freeKeys.isEmpty else { continue }
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

    private func scheduleRefresh() {
        guard let milliseconds = view.refreshMilliseconds else { return }
        engine.setTimer(Key.refresh, at: MonotonicTime.now.adding(milliseconds: milliseconds))
    }

    private func removeEnded() {
        for link in links where link.state == .ended && link.port.isClosed {
            if let key = keys.removeValue(forKey: ObjectIdentifier(link)) { freeKeys.append(key) }
        }
        links.removeAll { $0.state == .ended && $0.port.isClosed }
    }

    private func closeAll() {
        for link in links { link.port.stop() }
        let limit = MonotonicTime.now.adding(milliseconds: 1000)
        while links.contains(where: { !$0.port.isClosed }), MonotonicTime.now < limit {
            engine.turn(until: limit) { handle($0) }
        }
        if configuration.listenPath != nil { Folders.unlink(configuration.listenPath!) }
    }

    // MARK: GuestObserver

    public func guest(
        _ link: GuestLink, said message: GuestMessage, in readable: RawSpan, count: Int
    ) {
        view.said(message, by: link, in: readable, count: count)
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
