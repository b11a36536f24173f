import Testing

/// Hosts that leave and come back are greeted again, at once and from a clean start.
@Suite(.ownThread) struct ReconnectTests {
    @Test(arguments: Engine.allCases)
    func aListenerThatComesBackIsGreetedWithinASecond(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let path = scene.path("host.sock")
        var listener = try Listener(path)
        let agent = try scene.startAgent(engine.rawValue)
        var host = try listener.accept()
        let epoch = try host.readGreeting().text("epoch")
        for session in 2...4 {
            listener.close()
            host.close()
            // Two attempts fail, so that the next by the clock would be two seconds later: what
            // brings the agent back is that the socket appears.
            let failures = attempts(agent)
            try waitUntil("two attempts") { attempts(agent) >= failures + 2 }
            listener = try Listener(path)
            host = try listener.accept(seconds: 1)
            let greeting = try host.readGreeting(seconds: 1)
            #expect(greeting.number("session") == Double(session))
            #expect(greeting.text("epoch") == epoch)
        }
        _ = try host.exchangeKeepAlive(1)
    }

    private func attempts(_ agent: Program) -> Int {
        agent.errorLines.filter { $0.contains("next attempt in") }.count
    }

    /// A host that says nothing, such as a log, has read its greeting and some samples.
    @Test(arguments: Engine.allCases)
    func aConnectionClosedByASilentListenerIsMadeAgainWithinASecond(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(engine.rawValue, interval: 0.1)
        for session in 1...4 {
            let host = try listener.accept(seconds: session == 1 ? patienceSeconds : 1)
            let greeting = try host.readGreeting(seconds: 1)
            #expect(greeting.number("session") == Double(session))
            for _ in 0..<3 { _ = try host.readMessage("metrics") }
            host.close()
        }
    }

    /// A host of ours says something on each connect, and may be restarted quickly.
    @Test(arguments: Engine.allCases)
    func aConnectionClosedByAHostThatSpokeIsMadeAgainAtOnce(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(engine.rawValue)
        for session in 1...10 {
            let host = try listener.accept(seconds: session == 1 ? patienceSeconds : 1)
            try host.send("\n")
            let greeting = try host.readGreeting(seconds: 1)
            #expect(greeting.number("session") == Double(session))
            host.close()
        }
    }

    @Test(arguments: Engine.allCases)
    func halfAFrameFromBeforeIsNeverGluedToWhatFollows(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(engine.rawValue)
        let first = try listener.accept()
        try first.readGreetingAndSample()
        try first.send("{\"type\":\"keep_alive_request\",\"sequence_number\":")
        first.close()
        let second = try listener.accept()
        try second.readGreetingAndSample()
        // Glued to the half before, this would be a request with the number 7.
        try second.send("7}\n{\"type\":\"keep_alive_request\",\"padding\":\"\(padding)\",")
        second.close()
        let third = try listener.accept()
        try third.readGreetingAndSample()
        try third.send("\"sequence_number\":8}\n")
        let before = try third.exchangeKeepAlive(9)
        #expect(!before.contains { $0.type == "keep_alive" }, "\(before)")
    }

    /// More than one read brings, so that part of the frame is at the ring's seam and elsewhere.
    private let padding = String(repeating: "x", count: 300_000)

    @Test(arguments: Engine.allCases)
    func aFrameThatWasCutOffIsNotFinishedTowardsTheNextHost(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(engine.rawValue, interval: 0.05)
        for session in 1...3 {
            let host = try listener.accept()
            try host.send("\n")
            let greeting = try host.readGreeting()
            #expect(greeting.number("session") == Double(session))
            // Nobody reads, so that the agent stops in the middle of a frame.
            try waitUntilFull(host)
            host.close()
        }
        let last = try listener.accept()
        #expect(try last.readGreeting().number("session") == 4)
        for _ in 0..<5 { _ = try last.readMessage("metrics") }
    }
}

/// Waits until nothing more is put into a connection that nobody reads.
func waitUntilFull(_ connection: Connection, _ meanwhile: () throws -> Void = {}) throws {
    var last = 0
    var since = monotonicSeconds()
    try waitUntil("a full connection", seconds: 15) {
        try meanwhile()
        if connection.bytesWaiting != last {
            last = connection.bytesWaiting
            since = monotonicSeconds()
        }
        return last > 100_000 && monotonicSeconds() - since > 0.4
    }
}
