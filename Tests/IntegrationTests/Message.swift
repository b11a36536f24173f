import Foundation
import Testing

/// One line of JSON, taken apart by a reader that shares no code with ours.
struct Message {
    let line: [UInt8]
    let members: [String: Any]

    init(_ line: [UInt8]) throws {
        self.line = line
        let value = try JSONSerialization.jsonObject(with: Data(line))
        guard let members = value as? [String: Any] else {
            throw TimedOut(description: "no object: \(String(decoding: line, as: UTF8.self))")
        }
        self.members = members
    }

    init(_ text: String) throws {
        try self.init(Array(text.utf8))
    }

    var type: String { text("type") ?? "" }

    /// A member of a member, named with dots between.
    subscript(path: String) -> Any? {
        path.split(separator: ".").reduce(members as Any?) { value, name in
            (value as? [String: Any])?[String(name)]
        }
    }

    func text(_ path: String) -> String? { self[path] as? String }
    func number(_ path: String) -> Double? { (self[path] as? NSNumber)?.doubleValue }
    func list(_ path: String) -> [Any]? { self[path] as? [Any] }
}

extension Message: CustomTestStringConvertible {
    var testDescription: String { String(decoding: line.prefix(400), as: UTF8.self) }
}

extension Connection {
    /// Reads what a host hears first: an empty line, which ends whatever was in the pipe, and the
    /// handshake.
    func readGreeting(seconds: Double = patienceSeconds) throws -> Message {
        let first = try readLine(seconds: seconds)
        try #require(first.isEmpty, "the first line: \(String(decoding: first, as: UTF8.self))")
        let greeting = try Message(try readLine(seconds: seconds))
        try #require(greeting.type == "handshake")
        return greeting
    }

    /// Reads the greeting and the sample that is sent to each new host.
    func readGreetingAndSample() throws {
        _ = try readGreeting()
        _ = try readMessage("metrics")
    }

    /// Asks for a sign of life, waits for it, and gives back all that came before.
    func exchangeKeepAlive(_ number: Int, seconds: Double = patienceSeconds) throws -> [Message] {
        try send("{\"type\":\"keep_alive_request\",\"sequence_number\":\(number)}\n")
        let limit = monotonicSeconds() + seconds
        var before: [Message] = []
        while true {
            let message = try readMessage(seconds: max(0, limit - monotonicSeconds()))
            if message.type == "keep_alive", message.number("sequence_number") == Double(number) {
                return before
            }
            before.append(message)
        }
    }
}

extension Connection {
    /// Answers a handshake as a host does that has nothing yet, and acknowledges what it reads from
    /// here on.
    ///
    /// - Returns: the epoch.
    func acknowledgeGreeting(_ greeting: Message, received: Int = 0) throws -> String {
        let epoch = try #require(greeting.text("epoch"))
        let session = Int(try #require(greeting.number("session")))
        acknowledges = true
        try send(
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),\
            "received":\(received),"window":1048576,"capabilities":["ack"]}

            """)
        return epoch
    }
}
