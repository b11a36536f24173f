import TestSupport
import Testing

/// What is no message costs a counter and perhaps an error reply; the stream goes on.
@Suite(.ownThread) struct BadInputTests {
    /// A name for people, the line, and the error's code.
    private static let kinds: [(String, [UInt8], String)] = [
        ("not JSON", Array("not JSON".utf8), "INVALID_MESSAGE"),
        ("half an object", Array("{\"type\":\"Metrics\"".utf8), "INVALID_MESSAGE"),
        ("two objects", Array("{\"type\":\"a\"}{\"type\":\"b\"}".utf8), "INVALID_MESSAGE"),
        ("a byte order mark", Array("\u{feff}{\"type\":\"Metrics\"}".utf8), "INVALID_MESSAGE"),
        (
            "a name twice", Array("{\"type\":\"Metrics\",\"type\":\"Metrics\"}".utf8),
            "INVALID_MESSAGE"
        ),
        ("a depth of 65", nested(65), "INVALID_MESSAGE"),
        ("an unknown type", Array("{\"type\":\"Dance\",\"id\":\"x\"}".utf8), "UNKNOWN_COMMAND"),
        ("no type", Array("{\"id\":\"x\"}".utf8), "INVALID_MESSAGE"),
        ("a type that is a number", Array("{\"type\":7}".utf8), "INVALID_MESSAGE"),
        ("an array", Array("[{\"type\":\"Metrics\"}]".utf8), "INVALID_MESSAGE"),
        ("NUL bytes", [0, 0, 0, 0], "INVALID_MESSAGE"),
        ("a NUL in a string", Array("{\"type\":\"Met\u{0}rics\"}".utf8), "INVALID_MESSAGE"),
        (
            "invalid UTF-8", Array("{\"type\":\"".utf8) + [0xc3, 0x28] + Array("\"}".utf8),
            "INVALID_MESSAGE"
        ),
        ("a lone surrogate", Array("{\"type\":\"\\ud800\"}".utf8), "INVALID_MESSAGE"),
        (
            "no sequence number", Array("{\"type\":\"keep_alive_request\"}".utf8),
            "INVALID_MESSAGE"
        ),
    ]

    /// One line of each kind.
    private static let burst: [UInt8] = kinds.flatMap { kind in kind.1 + [0x0a] }

    private static func nested(_ depth: Int) -> [UInt8] {
        let open = String(repeating: "[", count: depth - 1)
        let close = String(repeating: "]", count: depth - 1)
        return Array("{\"type\":\"Metrics\",\"a\":\(open)\(close)}".utf8)
    }

    @Test(arguments: Engine.allCases)
    func eachKindIsAnsweredOnceAndTheNextRequestToo(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        // Replies may not be larger in all than what was received: this makes room for them.
        let padding = String(repeating: "x", count: 8192)
        var windowStart = 0.0
        for (number, (kind, line, code)) in Self.kinds.enumerated() {
            // Ten a second are allowed, and each of these is to be seen.
            if number % 8 == 0 {
                let start = windowStart
                try waitUntil("another second") { monotonicSeconds() - start > 1.1 }
                windowStart = monotonicSeconds()
            }
            try host.send("{\"type\":\"keep_alive_response\",\"padding\":\"\(padding)\"}\n")
            try host.send(line + [0x0a])
            let before = try host.exchangeKeepAlive(number)
            #expect(before.map { $0.text("error") } == [code], "\(kind): \(before)")
        }
    }

    @Test(arguments: Engine.allCases)
    func aFloodOfBadLinesGetsFewRepliesOfFewerBytesAndTakesNoMemory(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        let start = monotonicSeconds()
        var errors = try warmUp(host)
        let residentBefore = try agent.statusNumber("VmRSS")
        let warm = monotonicSeconds()
        var number = 1
        while monotonicSeconds() - warm < 2 {
            for _ in 0..<20 { try host.send(Self.burst) }
            number += 1
            errors += try host.exchangeKeepAlive(number)
        }
        try expectFew(errors, host, seconds: monotonicSeconds() - start)
        let growth = try agent.statusNumber("VmRSS") - residentBefore
        #expect(growth < 500, "\(growth) KiB more than before")
    }

    @Test(arguments: Engine.allCases)
    func randomBytesDoNotEndTheConversation(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        var random = SeededRandom()
        let start = monotonicSeconds()
        var errors = try warmUp(host)
        let residentBefore = try agent.statusNumber("VmRSS")
        let warm = monotonicSeconds()
        var number = 1
        while monotonicSeconds() - warm < 2 {
            var bytes = (0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // Now and then a line that begins like a message.
            for _ in 0..<200 {
                let place = Int.random(in: 0..<(bytes.count - 20), using: &random)
                bytes.replaceSubrange(place..<(place + 10), with: Array("\n{\"type\":\"".utf8))
            }
            // The newline ends what the random bytes began.
            try host.send(bytes + [0x0a])
            number += 1
            errors += try host.exchangeKeepAlive(number)
        }
        try expectFew(errors, host, seconds: monotonicSeconds() - start)
        let growth = try agent.statusNumber("VmRSS") - residentBefore
        #expect(growth < 500, "seed \(random.seed): \(growth) KiB more than before")
    }

    /// Goes through the whole of the 2 MiB ring, whose pages are touched one after the other, and
    /// gives the parser what it needs.
    private func warmUp(_ host: Connection) throws -> [Message] {
        for _ in 0..<(3_000_000 / Self.burst.count) { try host.send(Self.burst) }
        return try host.exchangeKeepAlive(1)
    }

    /// Ten a second, in all not more bytes than were sent, and nothing but errors.
    private func expectFew(_ errors: [Message], _ host: Connection, seconds: Double) throws {
        #expect(errors.allSatisfy { $0.type == "error" })
        #expect(!errors.isEmpty)
        let limit = 10 * (Int(seconds) + 1)
        #expect(errors.count <= limit, "\(errors.count) replies in \(seconds) s")
        let bytes = errors.reduce(0) { $0 + $1.line.count + 1 }
        #expect(bytes <= host.bytesSent)
    }

    /// Not even where one second ends and the next begins.
    @Test(arguments: Engine.allCases)
    func noSecondHoldsMoreThanTenReplies(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        var times: [Double] = []
        let start = monotonicSeconds()
        var number = 0
        // One line, and a second later many: whoever counts by whole seconds begins a new one then.
        while monotonicSeconds() - start < 1.3 {
            if number == 0 || monotonicSeconds() - start > 0.9 { try host.send(Self.burst) }
            number += 1
            let errors = try host.exchangeKeepAlive(number)
            times += errors.map { _ in monotonicSeconds() }
        }
        // Their ways here differ in length, so a bit less than a second is looked at.
        let counts = times.map { time in times.count { (time..<(time + 0.8)).contains($0) } }
        #expect(try #require(counts.max()) <= 10)
    }

    /// Little was received, so little may be said about it.
    @Test(arguments: Engine.allCases)
    func repliesNeverHaveMoreBytesThanWasReceived(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        var replied = 0
        for number in 0..<40 {
            try host.send("x\n")
            replied += try host.exchangeKeepAlive(number).reduce(0) { $0 + $1.line.count + 1 }
            #expect(replied <= host.bytesSent)
        }
        #expect(replied > 0)
    }
}
