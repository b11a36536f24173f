import Testing

/// A line over the cap costs one error, and no memory.
@Suite(.ownThread) struct OverlongLineTests {
    @Test(arguments: Engine.allCases)
    func aLineOf64MiBIsSkippedReportedOnceAndNotKept(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        var residentKiB: [Int] = []
        for round in 1...8 {
            let before = try sendLine(of: 64 << 20, to: host, thenAsk: round)
            let errors = before.filter { $0.type == "error" }
            #expect(errors.count == 1 && before.count == 1, "\(before)")
            #expect(errors.first?.text("error") == "MESSAGE_TOO_LARGE")
            #expect(errors.first?.number("details.bytes") == 67_108_865)
            #expect(errors.first?.number("details.limit") == 1_048_576)
            residentKiB.append(try agent.statusNumber("VmRSS"))
        }
        try host.send("{\"type\":\"Metrics\"}\n")
        #expect(try host.readMessage().type == "metrics")
        #expect(try agent.statusNumber("VmHWM") < 40_000)
        // Lines begin at other offsets of the ring, and touch its second mapping's pages for good;
        // the later ones find all of them there.
        let growth = zip(residentKiB, residentKiB.dropFirst()).map { $1 - $0 }
        #expect(growth[4...].reduce(0, +) < 100, "\(residentKiB)")
    }

    /// Its first or last bytes must not be taken for a message, however much they look like one.
    @Test(arguments: Engine.allCases)
    func nothingInsideALineOverTheCapIsObeyed(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        let request = "{\"type\":\"keep_alive_request\",\"sequence_number\":99}"
        let blanks = String(repeating: " ", count: 1 << 20)
        // Over by one byte, at the end; by much, with a request at its end; then at its start.
        try host.send(String(repeating: "x", count: 1 << 20) + "\n")
        try host.send(blanks + blanks + request + "\n")
        try host.send(request + blanks + "\n")
        let before = try host.exchangeKeepAlive(1)
        #expect(before.map { $0.text("error") } == Array(repeating: "MESSAGE_TOO_LARGE", count: 3))
        #expect(before.first?.number("details.bytes") == 1_048_577)
    }

    @Test(arguments: Engine.allCases)
    func aFrameOfExactlyTheCapIsAMessage(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        let head = "{\"type\":\"Metrics\",\"padding\":\""
        let tail = "\"}\n"
        let padding = String(repeating: "x", count: (1 << 20) - head.utf8.count - tail.utf8.count)
        try host.send(head + padding + tail)
        #expect(try host.readMessage().type == "metrics")
    }

    /// - Returns: what came between the line and the answer to the request behind it.
    private func sendLine(
        of bytes: Int, to host: Connection, thenAsk number: Int
    ) throws -> [Message] {
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<(bytes / piece.count) { try host.send(piece) }
        try host.send("\n")
        return try host.exchangeKeepAlive(number)
    }
}
