import Foundation
import Testing

/// How the agent ends, and what does not end it.
@Suite(.ownThread) struct SignalTests {
    private static let endings = Engine.allCases.flatMap { engine in
        [("SIGTERM", SIGTERM), ("SIGINT", SIGINT)].map { (engine, $0.0, $0.1) }
    }

    @Test(arguments: endings)
    func itEndsWellAndAtOnceWhenAsked(_ engine: Engine, _ name: String, _ signal: Int32) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let (agent, host) = try scene.agentAndHost(
            engine, environment: ["NOTIFY_SOCKET": manager.path])
        try host.readGreetingAndSample()
        let start = monotonicSeconds()
        agent.signal(signal)
        #expect(try agent.waitForEnd() == .exited(0))
        // Nothing waits to be sent, so it need not take the two seconds of a drain.
        #expect(monotonicSeconds() - start < 1.5)
        try manager.receive("STOPPING=1", seconds: 1)
    }

    @Test(arguments: Engine.allCases)
    func itEndsWithoutAHostToo(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let agent = try scene.startAgent(engine.rawValue)
        try waitUntil("a failed attempt") { agent.errorText.contains("next attempt in") }
        let start = monotonicSeconds()
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0))
        #expect(monotonicSeconds() - start < 1.5)
    }

    @Test(arguments: Engine.allCases)
    func aHostThatDoesNotReadDelaysTheEndByTwoSecondsAtMost(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let (agent, host) = try scene.agentAndHost(
            engine, interval: 0.05, environment: ["NOTIFY_SOCKET": manager.path])
        _ = try host.readGreeting()
        // A manager that does not read would hold the agent up before the host does.
        try waitUntilFull(host) { _ = try manager.receiveAll(seconds: 0) }
        let start = monotonicSeconds()
        agent.signal(SIGTERM)
        try manager.receive("STOPPING=1", seconds: 1)
        #expect(try agent.waitForEnd() == .exited(0))
        let took = monotonicSeconds() - start
        #expect((1.5...2.5).contains(took), "\(took) s")
    }

    @Test(arguments: Engine.allCases)
    func whatWaitsIsSentBeforeTheEnd(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine, interval: 0.05)
        _ = try host.readGreeting()
        try waitUntilFull(host)
        let waiting = host.bytesWaiting
        agent.signal(SIGTERM)
        let (messages, rest) = try host.readToEnd()
        let bytes = messages.reduce(0) { $0 + $1.line.count + 1 }
        #expect(bytes > waiting, "more than what stood in the socket, \(waiting) bytes")
        #expect(rest.isEmpty, "the last frame is whole")
        #expect(try agent.waitForEnd() == .exited(0))
    }

    @Test(arguments: Engine.allCases)
    func aHangUpReloadsAndDoesNotEndIt(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let (agent, host) = try scene.agentAndHost(
            engine, environment: ["NOTIFY_SOCKET": manager.path])
        try host.readGreetingAndSample()
        try manager.receive("READY=1")
        for number in 1...2 {
            agent.signal(SIGHUP)
            let reloading = try manager.receive("RELOADING=1")
            #expect(reloading.contains { $0.hasPrefix("MONOTONIC_USEC=") })
            try manager.receive("READY=1")
            #expect(try host.exchangeKeepAlive(number).isEmpty)
        }
        #expect(agent.ended() == nil)
    }
}
