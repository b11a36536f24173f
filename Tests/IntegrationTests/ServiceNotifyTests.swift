import Foundation
import Testing

/// What a service manager hears. Source: sd_notify(3), sd_watchdog_enabled(3).
@Suite(.ownThread) struct ServiceNotifyTests {
    /// Runs the agent as a service with a watchdog of 0.4 s. WATCHDOG_PID is its own id, which a
    /// shell knows before it becomes the agent, or another.
    private func start(
        _ engine: Engine, _ scene: Scene, _ manager: NotifySocket, watchdogPID: String = "$$"
    ) throws -> Program {
        try scene.startAgent(
            engine.rawValue,
            environment: ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"],
            wrapper: ["/bin/sh", "-c", "WATCHDOG_PID=\(watchdogPID) exec \"$@\"", "sh"])
    }

    @Test(arguments: Engine.allCases)
    func readinessComesFirstWithAStatusThatSaysHowItStands(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let agent = try start(engine, scene, manager)
        let first = try manager.receive()
        #expect(first.first == "READY=1")
        let status = try #require(first.first { $0.hasPrefix("STATUS=") })
        #expect(status.contains(scene.path("host.sock")), "\(status)")
        #expect(status.contains(engine.rawValue), "\(status)")
        // A host that arrives shows in the status.
        let listener = try Listener(scene.path("host.sock"))
        _ = try listener.accept()
        try waitUntil("a status of the host's arrival") {
            try manager.receive().contains { $0.contains("host connected on") }
        }
        agent.signal(SIGTERM)
        try manager.receive("STOPPING=1")
        #expect(try agent.waitForEnd() == .exited(0))
    }

    @Test(arguments: Engine.allCases)
    func theWatchdogIsFedAtHalfItsIntervalAndOnlyByALoopThatTurns(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        let agent = try start(engine, scene, manager)
        try manager.receive("WATCHDOG=1")
        let start = monotonicSeconds()
        for _ in 0..<5 { try manager.receive("WATCHDOG=1", seconds: 1) }
        let took = monotonicSeconds() - start
        // Never more often than at half of it, and never so late that a manager would have acted.
        #expect((0.8...2).contains(took), "\(took) s for five times 0.2 s")
        agent.signal(SIGSTOP)
        try waitUntil("a stopped agent") { try agent.isStopped() }
        _ = try manager.receiveAll(seconds: 0.05)
        #expect(try manager.receiveAll(seconds: 1).isEmpty)
        agent.signal(SIGCONT)
        for _ in 0..<2 { try manager.receive("WATCHDOG=1", seconds: 1) }
    }

    @Test(arguments: Engine.allCases)
    func aManagerThatDoesNotReadHoldsUpNothing(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        // Its queue is full after some ten datagrams, and nobody ever takes one out.
        let manager = try NotifySocket(scene.path("notify"))
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(
            engine.rawValue, interval: 0.05, environment: ["NOTIFY_SOCKET": manager.path])
        let connection = try listener.accept()
        // The first sample comes only when it is sure that this host acknowledges nothing.
        for _ in 0..<60 { _ = try connection.readLine() }
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0))
        withExtendedLifetime(manager) {}
    }

    @Test(arguments: Engine.allCases)
    func anotherProcessesWatchdogIsNotFed(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let manager = try NotifySocket(scene.path("notify"))
        _ = try start(engine, scene, manager, watchdogPID: "1")
        try manager.receive("READY=1")
        #expect(try !manager.receiveAll(seconds: 1).joined().contains("WATCHDOG=1"))
    }
}
