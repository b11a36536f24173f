import Testing

/// Waiting costs nothing: no thread wakes up without a reason.
@Suite(.ownThread) struct IdleTests {
    private static let seconds = 5.0

    @Test(arguments: Engine.allCases)
    func aConnectedAgentThatNobodyAsksDoesNotWakeUp(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine)
        try host.readGreetingAndSample()
        let before = try settledSwitches(agent)
        letPass(seconds: Self.seconds)
        #expect(try agent.voluntarySwitches() - before == 0)
        // It slept, it was not dead.
        #expect(try host.exchangeKeepAlive(1).isEmpty)
        try waitUntil("its sleep after that") { try agent.voluntarySwitches() > before }
    }

    @Test(arguments: Engine.allCases)
    func anAgentWithoutAHostWakesUpForItsAttemptsOnly(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let agent = try scene.startAgent(engine.rawValue)
        try waitUntil("a second attempt") { attempts(agent) >= 2 }
        let before = try settledSwitches(agent)
        let attemptsBefore = attempts(agent)
        letPass(seconds: Self.seconds)
        let made = attempts(agent) - attemptsBefore
        #expect(try agent.voluntarySwitches() - before <= made)
        // The waits double from one second on.
        #expect((1...2).contains(made), "\(agent.errorText)")
    }

    private func attempts(_ agent: Program) -> Int {
        agent.errorLines.filter { $0.contains("next attempt in") }.count
    }

    /// The count once the threads have gone to sleep after what they did last.
    private func settledSwitches(_ agent: Program) throws -> Int {
        var last = try agent.voluntarySwitches()
        var since = monotonicSeconds()
        try waitUntil("a quiet agent") {
            let now = try agent.voluntarySwitches()
            if now != last { since = monotonicSeconds() }
            last = now
            return monotonicSeconds() - since > 0.3
        }
        return last
    }
}
