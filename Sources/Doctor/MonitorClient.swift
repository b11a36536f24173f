import Kernel
import Wire

/// Asks QEMU's monitor about its sockets and ports.
///
/// Source: the QMP reference, query-chardev, qom-list, qom-get, x-query-virtio-queue-status.
struct MonitorClient: ~Copyable {
    /// How long one answer may take, in milliseconds.
    static let patienceMilliseconds: UInt64 = 3000
    /// Devices that are looked at; a machine has some dozens.
    static let devicesMax = 512

    struct Failure: Error {
        let text: String
    }

    private let connection: LineConnection
    private var parser: JSONParser

    static func view(_ path: String) -> MonitorView {
        do {
            var client = try open(path)
            return .known(chardevs: try client.chardevs(), ports: try client.ports())
        } catch let failure as Failure {
            return .failed(failure.text)
        } catch {
            return .failed("\(error)")
        }
    }

    private init(_ connection: LineConnection, _ parser: consuming JSONParser) {
        self.connection = connection
        self.parser = parser
    }

    /// Connects, and takes the greeting.
    private static func open(_ path: String) throws -> MonitorClient {
        var client = MonitorClient(try LineConnection(path), try JSONParser())
        guard case .line(let greeting) = client.connection.line(until: limit),
            greeting.contains("\"QMP\"")
        else {
            throw Failure(text: "no greeting within 3 s; another client may be attached")
        }
        try client.execute("qmp_capabilities") { _ in }
        return client
    }

    private static var limit: MonotonicTime {
        MonotonicTime.now.adding(milliseconds: patienceMilliseconds)
    }

    private mutating func chardevs() throws -> [ChardevView] {
        var found: [ChardevView] = []
        try execute("query-chardev") { answer in
            var elements = answer.elements
            while let element = elements.next() {
                var members = element.members
                found.append(
                    ChardevView(
                        label: members.string("label") ?? "",
                        filename: members.string("filename") ?? "",
                        isFrontendOpen: members.bool("frontend-open") ?? false))
            }
        }
        return found
    }

    private mutating func ports() throws -> [MonitorPort] {
        var found: [MonitorPort] = []
        for folder in ["/machine/peripheral", "/machine/peripheral-anon"] {
            var devices: [String] = []
            try execute("qom-list", ["path": folder]) { answer in
                var elements = answer.elements
                while let element = elements.next(), devices.count < Self.devicesMax {
                    var members = element.members
                    let name = members.string("name")
                    let type = members.string("type")
                    guard let name, type == "child<virtserialport>" else { continue }
                    devices.append(name)
                }
            }
            for device in devices {
                let place = "\(folder)/\(device)"
                found.append(
                    MonitorPort(
                        identity: device, name: try property("name", of: place),
                        chardev: try property("chardev", of: place),
                        output: try? output(of: place)))
            }
        }
        return found
    }

    /// Queues 0 and 1 are port 0's, 2 and 3 the device's own, then two for each port.
    private mutating func output(of port: String) throws -> OutputQueue? {
        var number: UInt64?
        try execute("qom-get", ["path": port, "property": "nr"]) { number = $0.unsigned }
        let bus = try property("parent_bus", of: port)
        guard let number, let end = bus.lastIndex(of: "/") else { return nil }
        let queue = number == 0 ? 1 : 2 * number + 3
        var found: OutputQueue?
        try execute(
            "x-query-virtio-queue-status", ["path": String(bus[..<end])], queue: queue
        ) { answer in
            var members = answer.members
            let inUse = members.unsigned("inuse")
            let slots = members.unsigned("vring-num")
            let taken = members.unsigned("last-avail-idx")
            let returned = members.unsigned("used-idx")
            guard let slots, let taken, let returned, let inUse else { return }
            // Both count round at 65,536.
            let out = UInt64(UInt16(truncatingIfNeeded: taken &- returned))
            found = OutputQueue(slots: slots, lost: out - min(out, inUse))
        }
        return found
    }

    private mutating func property(_ name: String, of place: String) throws -> String {
        var value = ""
        try execute("qom-get", ["path": place, "property": name]) { value = $0.string ?? "" }
        return value
    }

    /// Events that come in between are passed over.
    private mutating func execute(
        _ command: String, _ arguments: [String: String] = [:], queue: UInt64? = nil,
        _ body: (borrowing JSONValue) -> Void
    ) throws {
        connection.send(Self.request(command, arguments, queue))
        let limit = Self.limit
        while case .line(let line) = connection.line(until: limit) {
            try parser.parse(text: line)
            let root = parser.root
            if let answer = root.member("return") { return body(answer) }
            if let error = root.member("error") {
                throw Failure(text: "\(command): \(error.member("desc")?.string ?? "refused")")
            }
        }
        throw Failure(text: "no answer to \(command) within 3 s")
    }

    private static func request(
        _ command: String, _ arguments: [String: String], _ queue: UInt64?
    ) -> String {
        let text = JSONText.written(bytesMax: 16_384) { writer in
            writer.beginObject()
            writer.member("execute", command)
            if let path = arguments["path"] {
                writer.beginObject("arguments")
                writer.member("path", path)
                if let property = arguments["property"] { writer.member("property", property) }
                if let queue { writer.member("queue", queue) }
                writer.endObject()
            }
            writer.endObject()
            writer.newline()
        }
        return text ?? ""
    }
}
