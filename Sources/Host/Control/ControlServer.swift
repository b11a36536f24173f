import CLinux
import IOEngine
import Kernel
import Port
import Slabs
import Wire

/// Passes commands of others on to a guest that a watch is attached to, and the answers back to who
/// asked: many at a time, and none sees another's.
///
/// A client connects, hears the guest's handshake as if it were attached to the port, and sends
/// commands. What it sends is parsed strictly, must be a command with an `id`, and goes on as it
/// came.
final class ControlServer {
    private final class Client: PortOwner {
        let port: Port
        unowned let server: ControlServer
        /// Of the commands that it sent and that have not ended.
        var ids: Set<String> = []
        let key: UInt32

        init(port: Port, server: ControlServer, key: UInt32) {
            self.port = port
            self.server = server
            self.key = key
            port.owner = self
        }

        func hostArrived(at port: Port) { server.greet(self) }
        func hostLeft(_ port: Port) {}
        func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {}
        func portEnded(_ port: Port, with error: PortError) {}
        func framesCame(to port: Port) {
            port.channel.forEachReceived { received in
                if case .frame(let readable, let count) = received {
                    server.take(readable, count, from: self)
                }
            }
            port.channel.sendMore()
        }
    }

    private let engine: IOEngine
    private let link: GuestLink
    private let path: String
    private var listener: Stream?
    private var clients: [Client] = []
    private let keys: KeyPool
    private var parser: JSONParser
    private var handshake: [UInt8] = []

    /// - Parameter keys: one for each client, of all guests of a watch.
    /// - Throws: `ProgramFailure` when the socket cannot be had.
    init(
        _ link: GuestLink, socket: String, engine: IOEngine, keys: KeyPool
    ) throws(ProgramFailure) {
        self.engine = engine
        self.link = link
        self.keys = keys
        do {
            parser = try JSONParser()
            path = try ControlSocket.path(of: socket)
            let descriptor = try ListeningSocket.open(path)
            listener = try engine.attach(descriptor, .device)
        } catch {
            throw ProgramFailure(.unavailable, "no control socket for \(socket): \(error)")
        }
        engine.watch(listener!)
    }

    /// Takes a completion that is this server's own; gives any other back.
    func handle(_ completion: consuming Completion) -> Completion? {
        if let stream = completion.stream, stream == listener {
            if case .edge = completion { acceptAll(stream) }
            return nil
        }
        var left: Completion? = consume completion
        for client in clients {
            guard let one = left.take() else { return nil }
            left = client.port.handle(one)
        }
        return left
    }

    private func acceptAll(_ stream: Stream) {
        while let descriptor = ListeningSocket.accept(engine.descriptorNumber(stream)) {
            guard let key = keys.take() else { continue }
            do {
                let channel = try FrameChannel(engine: engine, registers: false)
                let port = Port(
                    engine: engine, endpoint: .descriptor(descriptor.release()), channel: channel,
                    timers: (TimerKey(key), TimerKey(key + 1)))
                let client = Client(port: port, server: self, key: key)
                clients.append(client)
                port.start()
            } catch {
                keys.give(key)
            }
        }
    }

    func serves(_ other: GuestLink) -> Bool { link === other }

    /// After each turn: who has gone is forgotten.
    func removeEnded() {
        for client in clients where client.port.isClosed { keys.give(client.key) }
        clients.removeAll { $0.port.isClosed }
    }

    func close() {
        for client in clients { client.port.stop() }
        if let listener { engine.close(listener) }
        listener = nil
        Folders.unlink(path)
    }

    var isClosed: Bool { clients.allSatisfy { $0.port.isClosed } }

    // MARK: Frames

    /// The guest said who it is: now, and whenever it begins anew.
    func greeted(_ frame: RawSpan) {
        handshake = Array(copying: frame)
        for client in clients { greet(client) }
    }

    private func greet(_ client: Client) {
        guard !handshake.isEmpty else { return }
        let frame = handshake
        pass(RawSpan(_elements: frame.span), to: client.port.channel)
    }

    /// The guest answered a command.
    func answered(_ id: String, isLast: Bool, _ frame: RawSpan) {
        for client in clients where client.ids.contains(id) {
            // A client that does not read loses the rest, and hears so by the end.
            if !pass(frame, to: client.port.channel) { client.port.stop() }
            if isLast { client.ids.remove(id) }
        }
    }

    private func take(_ readable: RawSpan, _ count: Int, from client: Client) {
        guard (try? parser.parse(readable, count: count)) != nil,
            let id = ControlServer.identifier(parser.root)
        else {
            return refuse(client, nil, .invalidMessage, "send one command with an id a line")
        }
        guard pass(readable.extracting(first: count), to: link.port.channel) else {
            return refuse(client, id, .busy, "the guest does not read; try again")
        }
        client.ids.insert(id)
    }

    /// The `id` of a command, in an envelope or not.
    private static func identifier(_ message: JSONValue) -> String? {
        switch HostMessage(message) {
        case .command(let command): return command.ids.first
        case .signed(let envelope):
            guard var inner = try? JSONParser() else { return nil }
            let payload = Array(envelope.payload.utf8)
            guard (try? inner.parse(RawSpan(_elements: payload.span))) != nil else { return nil }
            return inner.root.member("id")?.string
        default: return nil
        }
    }

    private func refuse(_ client: Client, _ id: String?, _ code: ErrorCode, _ reason: String) {
        var details = ErrorMessage.Details()
        details.reason = reason
        let error = ErrorMessage(
            code, id: id, details: details,
            wallMilliseconds: WallTime.now.millisecondsSince1970)
        _ = client.port.channel.appendControl { space in
            var writer = JSONWriter(space)
            guard case .written(let bytes) = error.encode(into: &writer) else { return 0 }
            return bytes
        }
    }

    /// - Returns: whether there was room.
    @discardableResult
    private func pass(_ frame: RawSpan, to channel: FrameChannel) -> Bool {
        let isIn = channel.appendData { space in
            var space = space
            guard frame.byteCount < space.byteCount else { return 0 }
            clinux_copy(&space, frame)
            space.storeBytes(of: 0x0a, toByteOffset: frame.byteCount, as: UInt8.self)
            return frame.byteCount + 1
        }
        channel.sendMore()
        return isIn
    }
}

/// Timers that are handed out and come back: the first of each few in a row.
final class KeyPool {
    private var free: [UInt32]

    init(first: UInt32, count: Int, each: Int) {
        free = (0..<UInt32(count)).reversed().map { first + $0 * UInt32(each) }
    }

    func take() -> UInt32? { free.popLast() }
    func give(_ key: UInt32) { free.append(key) }
    var isEmpty: Bool { free.isEmpty }
}
