import Foundation
import TestSupport
import Testing

/// The agent with hosts that acknowledge, lazily, and leave when it suits them least.
@Suite(.ownThread) struct AcknowledgeTests {
    @Test(arguments: Engine.allCases)
    func everyNumberArrivesInOrderOverAHundredAndFiftyDrops(_ engine: Engine) throws {
        var random = SeededRandom()
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(
            engine.rawValue, interval: 0.05, flags: ["--processes", "300"])
        var host = AcknowledgingHost(seed: random.seed &+ 1)
        var before = 0
        for drop in 0..<150 {
            let connection = try listener.accept()
            if drop == 0 { before = try agent.statusNumber("VmHWM") }
            let bytes = [400, 3000, 20_000, 200_000][random.below(4)]
            try host.play(
                connection, seconds: [0.01, 0.05, 0.1][random.below(3)], bytesMax: bytes)
            connection.close()
        }
        let last = try listener.accept()
        try host.play(last, seconds: 1.5, bytesMax: .max)
        let told = "seed \(random.seed): \(host.count) numbers, \(host.repeated) repeated"
        print("AcknowledgeTests \(engine): \(told)")
        #expect(host.rows.count == 1, "one epoch; \(told)")
        #expect(host.count > 50, "\(told)")
        #expect(host.repeated > 0, "nothing was lost on the way; \(told)")
        #expect(host.skipped == 0 && host.unnumbered == 0, "\(told)")
        let growth = try agent.statusNumber("VmHWM") - before
        #expect(isSanitized || growth < 8000, "\(growth) KiB more than \(before) at the start")
    }

    @Test(arguments: Engine.allCases)
    func withoutAnAnswerMetricsFlowUnnumberedAfterTwoSeconds(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent(engine.rawValue, interval: 0.1)
        let first = try listener.accept()
        _ = try first.readGreeting()
        let start = monotonicSeconds()
        #expect(try first.readMessage().number("seq") == nil)
        #expect((1.8...3).contains(monotonicSeconds() - start))
        first.close()
        // It is remembered: the next one does not wait.
        let second = try listener.accept()
        _ = try second.readGreeting()
        let again = monotonicSeconds()
        #expect(try second.readMessage().type == "metrics")
        #expect(monotonicSeconds() - again < 1.8)
    }

    @Test(arguments: Engine.allCases)
    func aSlowHostStopsTheFlowAtItsWindow(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine, interval: 0.05)
        let greeting = try host.readGreeting()
        let epoch = try #require(greeting.text("epoch"))
        func answer(received: Int) -> String {
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":1,"received":\(received),\
            "window":16384,"capabilities":["ack"]}

            """
        }
        try host.send(answer(received: 0))
        var bytes = 0
        var numbers: [Int] = []
        while let line = try? host.readLine(seconds: 1) {
            guard let message = try? Message(line), let number = message.number("seq") else {
                continue
            }
            numbers.append(Int(number))
            bytes += line.count + 1
        }
        #expect(numbers == Array(1...max(1, numbers.count)))
        #expect(bytes <= 16_384 || numbers.count == 1, "\(bytes) bytes in flight")
        // An acknowledgement lets as much again go.
        try host.send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":\(numbers.count)}\n")
        #expect(try host.readMessage("metrics").number("seq") == Double(numbers.count + 1))
    }

    /// Restored from a snapshot: the host knows more than this guest ever sent.
    @Test(arguments: Engine.allCases)
    func aHostThatKnowsMoreThanWasSentGetsEverythingInANewEpoch(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine, interval: 0.1)
        let old = try #require(try host.readGreeting().text("epoch"))
        try host.send(handshakeAck(old, session: 1, received: 0))
        var kept: [Message] = []
        while kept.count < 3 { kept.append(try host.readMessage("metrics")) }
        try host.send("{\"type\":\"ack\",\"epoch\":\"\(old)\",\"seq\":1000}\n")
        var greeting = try host.readMessage()
        while greeting.type != "handshake" { greeting = try host.readMessage() }
        let new = try #require(greeting.text("epoch"))
        #expect(new != old && greeting.text("forked_from") == old)
        #expect(greeting.number("session") == 1 && greeting.number("first") == 1)
        try host.send(handshakeAck(new, session: 1, received: 0))
        for (place, message) in kept.enumerated() {
            let again = try host.readMessage("metrics")
            #expect(again.number("seq") == Double(place + 1))
            #expect(again.text("epoch") == new && again.text("forked_from") == old)
            #expect(again.text("timestamp") == message.text("timestamp"))
        }
    }

    @Test(arguments: Engine.allCases)
    func answersAndAcknowledgementsOfOthersAreIgnored(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine, interval: 0.1)
        let epoch = try #require(try host.readGreeting().text("epoch"))
        let other = String(repeating: "ab", count: 16)
        try host.send(handshakeAck(other, session: 1, received: 0))
        try host.send(handshakeAck(epoch, session: 2, received: 0))
        try host.send("{\"type\":\"ack\",\"epoch\":\"\(other)\",\"seq\":1}\n")
        #expect(try host.exchangeKeepAlive(1).isEmpty, "nothing with a number, no new handshake")
        try host.send(handshakeAck(epoch, session: 1, received: 0))
        #expect(try host.readMessage().number("seq") == 1)
        // What is declared to be known is released; what was known before is ignored.
        try host.send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":1}\n")
        try host.send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":0}\n")
        try host.send("{\"type\":\"handshake_request\"}\n")
        let again = try host.readMessage("handshake")
        #expect(again.number("session") == 2 && (again.number("first") ?? 0) >= 2)
    }

    @Test(arguments: Engine.allCases)
    func anObserverGetsControlAndNoNumbers(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine, interval: 0.1)
        let epoch = try #require(try host.readGreeting().text("epoch"))
        try host.send(
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":1,"received":0,"window":65536,\
            "capabilities":["ack"],"observer":true}

            """)
        let start = monotonicSeconds()
        var others: [Message] = []
        while monotonicSeconds() - start < 3 { others += try host.exchangeKeepAlive(7) }
        #expect(others.isEmpty, "\(others)")
    }

    private func handshakeAck(_ epoch: String, session: Int, received: Int) -> String {
        """
        {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),"received":\(received),\
        "window":262144,"capabilities":["ack"]}

        """
    }
}
