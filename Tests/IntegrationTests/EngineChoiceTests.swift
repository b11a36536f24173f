import Testing

/// Which engine runs, what is said about it, and what happens where io_uring is refused.
@Suite(.ownThread) struct EngineChoiceTests {
    private static let refusals = ["EPERM", "ENOSYS", "ENOMEM", "EINVAL"]

    /// A command that runs another one with a system call failing. The other one is the child
    /// itself, and strace watches from outside, so that signals and ids are those of the program.
    private func failing(_ call: String, _ error: String, _ scene: Scene) -> [String] {
        [
            "strace", "--daemonize", "-qq", "-f", "-o", scene.path("strace"), "-e",
            "trace=\(call)", "-e", "inject=\(call):error=\(error)",
        ]
    }

    @Test(arguments: refusals)
    func anEngineThatIsRefusedIsReplacedAndTheReasonSaidOnce(_ error: String) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(
            "auto", wrapper: failing("io_uring_setup", error, scene))
        let host = try listener.accept()
        _ = try host.readGreeting()
        #expect(try host.readMessage("metrics").text("data.agent.engine") == "epoll")
        #expect(try host.exchangeKeepAlive(1).isEmpty)
        let said = agent.errorLines.filter { $0.contains("epoll") }
        #expect(said.count == 1, "\(agent.errorText)")
        #expect(said.first?.contains("io_uring_setup") == true)
        #expect(said.first?.contains(error) == true)
        #expect(agent.registeredBuffers() == nil)
    }

    @Test func aKernelThatCannotRestrictTheRingIsServedByEpoll() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(
            "auto", wrapper: failing("io_uring_register", "EINVAL", scene))
        let host = try listener.accept()
        _ = try host.readGreeting()
        #expect(try host.readMessage("metrics").text("data.agent.engine") == "epoll")
        #expect(agent.errorLines.filter { $0.contains("epoll") }.count == 1)
        #expect(agent.registeredBuffers() == nil, "the ring that did not come to be is closed")
    }

    @Test(arguments: refusals)
    func anEngineThatIsForcedAndRefusedEndsTheAgentWithARemedy(_ error: String) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(
            "uring", wrapper: failing("io_uring_setup", error, scene))
        #expect(try agent.waitForEnd() == .exited(69))
        #expect(agent.errorText.contains(error))
        #expect(agent.errorText.contains("--engine epoll"), "\(agent.errorText)")
        #expect(throws: TimedOut.self, "it connected all the same") {
            try listener.accept(seconds: 0)
        }
    }

    @Test(arguments: ["uring", "auto"])
    func theRingsAreRegisteredWithIoUring(_ choice: String) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(choice)
        let host = try listener.accept()
        _ = try host.readGreeting()
        #expect(try host.readMessage("metrics").text("data.agent.engine") == "uring")
        #expect(agent.descriptors().contains("anon_inode:[io_uring]"))
        // The receive ring, the control ring, the send ring; each once, not with its mirror.
        #expect(agent.registeredBuffers() == [24, 2, 32].map { $0 * 65_536 })
        #expect(agent.errorLines.filter { $0.contains("engine uring") }.count == 1)
    }

    @Test func theEpollEngineHasNoRing() throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(.epoll)
        try host.readGreetingAndSample()
        #expect(agent.descriptors().contains("anon_inode:[eventpoll]"))
        #expect(!agent.descriptors().contains("anon_inode:[io_uring]"))
    }
}
