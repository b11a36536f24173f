import TestSupport
import Testing

/// A host that acknowledges, written from the protocol and not from our code: it keeps rows by
/// epoch and number, and finds fault with every number that it may not see.
struct AcknowledgingHost {
    /// What may have come only once, and in order.
    private(set) var rows: [String: [[UInt8]]] = [:]
    private var sessions: [String: Int] = [:]
    private var told: [String: Int] = [:]
    private(set) var repeated = 0
    /// Epochs of earlier lives that handshakes had numbers of.
    private(set) var spooledOffers = 0
    private(set) var halfLines = 0
    private(set) var unnumbered = 0
    private(set) var skipped = 0
    private var random: SeededRandom
    private var sinceAck = 0
    private var acknowledgesEvery = 1
    /// Whether it takes what a spool has of earlier epochs; one from before does not.
    var knowsSpool = true
    /// The number behind the last one that any handshake said there is, by epoch.
    private(set) var declared: [String: Int] = [:]
    /// Epochs that may send on this connection.
    private var open: Set<String> = []

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// Whether everything has come that a handshake spoke of.
    var hasAll: Bool { declared.allSatisfy { rows[$0.key, default: []].count >= $0.value - 1 } }

    /// All numbers of all epochs.
    var count: Int { rows.values.reduce(0) { $0 + $1.count } }

    /// Plays one connection: greets, acknowledges lazily, and returns after `seconds` or about so
    /// many bytes, in the middle of whatever is being sent.
    ///
    /// The time counts only once something of the agent's own epoch is there, so that a busy machine
    /// makes a run longer and not emptier. The host tells what it has then, or a window that is full
    /// of an earlier epoch would never let it come.
    mutating func play(_ connection: Connection, seconds: Double, bytesMax: Int) throws {
        try connection.send("\n{\"type\":\"handshake_request\"}\n")
        acknowledgesEvery = [1, 3, 20, 1000][random.below(4)]
        sinceAck = 0
        var epoch: String?
        var bytes = 0
        let began = monotonicSeconds()
        while bytes < bytesMax {
            let passed = monotonicSeconds() - began
            if let epoch, passed >= seconds {
                if !rows[epoch, default: []].isEmpty || passed >= patienceSeconds { return }
                try acknowledgeAll(connection)
            }
            let line: [UInt8]
            do {
                line = try connection.readLine(seconds: epoch == nil ? patienceSeconds : 0.05)
            } catch is TimedOut where epoch != nil {
                continue
            }
            bytes += line.count + 1
            guard !line.isEmpty else { continue }
            guard let message = try? Message(line) else {
                halfLines += 1
                continue
            }
            try take(message, &epoch, connection)
        }
    }

    /// Tells what came of the epochs that may send here, and from now on tells of each.
    private mutating func acknowledgeAll(_ connection: Connection) throws {
        acknowledgesEvery = 1
        for epoch in open.sorted() {
            let had = rows[epoch, default: []].count
            guard had > told[epoch, default: 0] else { continue }
            told[epoch] = had
            try connection.send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":\(had)}\n")
        }
    }

    private mutating func take(
        _ message: Message, _ epoch: inout String?, _ connection: Connection
    ) throws {
        if message.type == "handshake" {
            epoch = try answer(message, connection)
        } else if message.type == "skipped" {
            skipped += 1
        } else if let number = message.number("seq") {
            // Nothing with a number leaves before the handshake_ack.
            #expect(epoch != nil && open.contains(message.text("epoch") ?? ""))
            try note(message, Int(number), connection)
        } else if message.type == "metrics" {
            unnumbered += 1
        }
    }

    private mutating func answer(_ handshake: Message, _ connection: Connection) throws -> String {
        let epoch = try #require(handshake.text("epoch"))
        let session = Int(try #require(handshake.number("session")))
        #expect(session > sessions[epoch, default: 0], "sessions count up")
        sessions[epoch] = session
        let had = rows[epoch, default: []].count
        #expect(Int(handshake.number("first") ?? 0) <= told[epoch, default: 0] + 1)
        // Now and then it says that it has less than it has: what was stored and not yet told.
        let received = random.below(2) == 0 ? had : told[epoch, default: 0]
        let window = [4096, 65_536, 262_144, 1_048_576][random.below(4)]
        told[epoch] = received
        declared[epoch] = max(declared[epoch, default: 1], Int(handshake.number("next") ?? 1))
        open = [epoch]
        let spooled = try answerSpooled(handshake)
        try connection.send(
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),\
            "received":\(received),"window":\(window),"capabilities":["ack"]\(spooled)}

            """)
        return epoch
    }

    /// What it has of the epochs that an earlier life of the agent left.
    private mutating func answerSpooled(_ handshake: Message) throws -> String {
        guard let list = handshake.list("spooled") else { return "" }
        var answers: [String] = []
        for case let one as [String: Any] in list {
            spooledOffers += 1
            let epoch = try #require(one["epoch"] as? String)
            let first = try #require(one["first"] as? Int)
            let had = rows[epoch, default: []].count
            #expect(first <= had + 1, "\(first) is the first of \(epoch), and \(had) came")
            declared[epoch] = max(declared[epoch, default: 1], one["next"] as? Int ?? 1)
            guard knowsSpool else { continue }
            open.insert(epoch)
            let received = random.below(2) == 0 ? had : told[epoch, default: 0]
            told[epoch] = received
            answers.append("{\"epoch\":\"\(epoch)\",\"received\":\(received)}")
        }
        return knowsSpool ? ",\"spooled\":[\(answers.joined(separator: ","))]" : ""
    }

    private mutating func note(
        _ message: Message, _ number: Int, _ connection: Connection
    ) throws {
        let epoch = try #require(message.text("epoch"))
        let had = rows[epoch, default: []].count
        if number <= had {
            repeated += 1
            #expect(rows[epoch]![number - 1] == message.line, "resent byte for byte")
        } else {
            try #require(number == had + 1, "\(number) came after \(had)")
            rows[epoch, default: []].append(message.line)
        }
        sinceAck += 1
        guard sinceAck >= acknowledgesEvery else { return }
        sinceAck = 0
        told[epoch] = max(told[epoch, default: 0], number)
        try connection.send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":\(number)}\n")
    }
}
