import Foundation
import TestSupport
import Testing

/// Ends in the middle of everything: of what comes in, of what goes out, of both.
@Suite(.ownThread) struct ClosingTests {
    /// Small requests, each of which is answered.
    private static func requests(_ count: Int) -> [UInt8] {
        Array(
            (0..<count).map { "{\"type\":\"keep_alive_request\",\"sequence_number\":\($0)}\n" }
                .joined().utf8)
    }

    @Test(arguments: Engine.allCases)
    func anAgentThatIsSpokenToWhileItEndsEndsWell(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let burst = Self.requests(50)
        for _ in 0..<8 {
            let (agent, host) = try scene.agentAndHost(engine)
            try host.readGreetingAndSample()
            try host.send(burst)
            agent.signal(SIGTERM)
            // Until the socket says that the other end is gone.
            while agent.ended() == nil, (try? host.send(burst)) != nil {}
            #expect(try agent.waitForEnd(seconds: 2.5) == .exited(0), "\(agent.errorText)")
        }
    }

    /// What the agent finds all at once when it is let go on.
    private static let moments = [
        "leaves", "speaks", "speaks and leaves", "lets go of a full pipe",
    ]

    @Test(arguments: Engine.allCases, moments)
    func anAgentThatIsEndedWhileItsHostDoesSomethingEndsWell(
        _ engine: Engine, _ moment: String
    ) throws {
        let scene = try Scene()
        defer { scene.end() }
        let isFull = moment.contains("full")
        let (agent, host) = try scene.agentAndHost(engine, interval: isFull ? 0.05 : 3600)
        try host.readGreetingAndSample()
        if isFull { try waitUntilFull(host) }
        agent.signal(SIGSTOP)
        try waitUntil("a stopped agent") { try agent.isStopped() }
        if moment.contains("speaks") { try host.send(Self.requests(100)) }
        if !moment.hasSuffix("speaks") { host.close() }
        agent.signal(SIGTERM)
        agent.signal(SIGCONT)
        #expect(try agent.waitForEnd(seconds: 2.5) == .exited(0), "\(agent.errorText)")
    }

    @Test(arguments: Engine.allCases)
    func anAgentWithAnswersThatNobodyReadsEndsWell(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        // More answers than socket and ring hold, and it goes on reading.
        try host.send(Self.requests(20_000), takesIn: false)
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0), "\(agent.errorText)")
    }

    /// Nobody who only sends can fill a journal.
    @Test(arguments: Engine.allCases)
    func answersThatFindNoRoomAreNotLoggedOneByOne(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        try host.send(Self.requests(20_000), takesIn: false)
        // All that fitted, and then there is room again.
        while (try? host.readLine(seconds: 0.5)) != nil {}
        _ = try host.exchangeKeepAlive(99_999)
        #expect(agent.errorLines.count < 20)
    }

    /// The agent finds out while it reads, while it writes, and in any order of the two.
    @Test(arguments: Engine.allCases)
    func hostsThatLeaveWithoutReadingAreFollowedByOthers(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(engine.rawValue, interval: 0.05)
        var random = SeededRandom()
        for _ in 0..<40 {
            let host = try listener.accept()
            try host.send("\n{\"type\":\"Metrics\"}\n")
            try host.send(
                Self.requests(Int.random(in: 0...5000, using: &random)), takesIn: false)
            if Bool.random(using: &random) { letPass(seconds: 0.01) }
            host.close()
        }
        let last = try listener.accept()
        _ = try last.readGreeting()
        #expect(try last.exchangeKeepAlive(1).allSatisfy { $0.type == "metrics" })
        #expect(agent.ended() == nil, "\(agent.errorText)")
    }
}
