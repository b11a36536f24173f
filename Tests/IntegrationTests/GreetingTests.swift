import Foundation
import Testing

/// The first words to a plain host, and the figures that follow.
@Suite(.ownThread) struct GreetingTests {
    @Test(arguments: Engine.allCases)
    func anEmptyLineComesFirstAndThenTheHandshake(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (_, host) = try scene.agentAndHost(engine, interval: 0.2)
        #expect(try host.readLine().isEmpty)
        let handshake = try Message(try host.readLine())
        #expect(handshake.type == "handshake")
        let machine = try String(contentsOfFile: "/etc/machine-id", encoding: .utf8)
        #expect(handshake.text("vm_id") == machine.trimmingCharacters(in: .whitespacesAndNewlines))
        #expect(handshake.text("platform") == "linux")
        #expect(handshake.text("protocol") == "vireo/1")
        #expect(handshake.text("version")?.isEmpty == false)
        #expect(handshake.number("session") == 1)
        #expect(try #require(handshake.text("epoch")).wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(handshake.list("capabilities") as? [String] == ["metrics", "ack"])
        try expectNow(handshake)
    }

    @Test(arguments: Engine.allCases)
    func eachStartHasAnEpochOfItsOwn(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let first = try scene.agentAndHost(engine).1.readGreeting()
        let second = try scene.agentAndHost(engine).1.readGreeting()
        #expect(first.text("epoch") != second.text("epoch"))
        #expect(second.number("session") == 1)
    }

    @Test(arguments: Engine.allCases)
    func metricsComeAtTheirIntervalAndAreTrue(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let (agent, host) = try scene.agentAndHost(engine, interval: 0.2)
        _ = try host.readGreeting()
        // The first one is for the arrival; the rhythm begins with the next.
        _ = try host.readMessage("metrics")
        let first = try host.readMessage("metrics")
        for _ in 0..<4 { _ = try host.readMessage("metrics") }
        let last = try host.readMessage("metrics")
        // Five intervals; on a busy machine the first sample can be late, but not the whole.
        let took = try sampled(last) - sampled(first)
        #expect((0.75...1.5).contains(took), "\(took) s for five intervals of 0.2 s")
        #expect(last.text("data.agent.engine") == engine.rawValue)
        try expectTruth(last)
        #expect(agent.ended() == nil)
    }

    /// When a sample was taken, in seconds on the guest's monotonic clock.
    private func sampled(_ metrics: Message) throws -> Double {
        try #require(metrics.number("data.agent.monotonic_ns")) / 1e9
    }

    private func expectTruth(_ metrics: Message) throws {
        try expectNow(metrics)
        let memory = try String(contentsOfFile: "/proc/meminfo", encoding: .utf8)
        let total = try #require(memory.firstMatch(of: /MemTotal: +(\d+) kB/)?.output.1)
        #expect(metrics.number("data.system.memory.total_kb") == Double(total))
        let used = try #require(metrics.number("data.system.memory.used_kb"))
        #expect(used > 0 && used < Double(total)!)
        let processors = try #require(metrics.list("data.system.cpu.cores_usage"))
        #expect(processors.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let usage = try #require(metrics.number("data.system.cpu.usage_percent"))
        #expect((0...100).contains(usage))
        let kernel = "/proc/sys/kernel"
        for (member, file) in [("hostname", "hostname"), ("kernel_version", "osrelease")] {
            let text = try String(contentsOfFile: "\(kernel)/\(file)", encoding: .utf8)
            let expected = text.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(metrics.text("data.system.system.\(member)") == expected)
        }
        let uptime = try String(contentsOfFile: "/proc/uptime", encoding: .utf8)
        let seconds = try #require(uptime.split(separator: " ").first.flatMap { Double($0) })
        let reported = try #require(metrics.number("data.system.uptime_seconds"))
        #expect(abs(reported - seconds) < 3)
    }

    /// The timestamp has the one form that hosts read, and is of this moment.
    private func expectNow(_ message: Message) throws {
        let text = try #require(message.text("timestamp"))
        #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(text)")
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let age = Date().timeIntervalSince(try Date(text, strategy: format))
        #expect(abs(age) < 5)
    }
}

/// `vireod --once`.
@Suite(.ownThread) struct OnceTests {
    @Test(arguments: Engine.allCases)
    func onceSendsAHandshakeAndOneSampleAndEnds(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent(engine.rawValue, interval: 0.05, flags: ["--once"])
        let host = try listener.accept()
        let (messages, rest) = try host.readToEnd()
        #expect(messages.map(\.type) == ["handshake", "metrics"])
        #expect(rest.isEmpty)
        #expect(try agent.waitForEnd() == .exited(0))
    }

    @Test(arguments: Engine.allCases)
    func onceWithoutAListenerIsUnavailable(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let agent = try scene.startAgent(engine.rawValue, flags: ["--once"])
        #expect(try agent.waitForEnd() == .exited(69))
        #expect(agent.errorText.contains(scene.path("host.sock")))
    }

    @Test func aDescriptorIsAPortAndItsEndIsTheEnd() throws {
        let scene = try Scene()
        defer { scene.end() }
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #expect(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        let agent = try scene.start(
            [Products.vireod, "--device", "fd:0", "--interval", "3600"], standardInput: ends[1])
        close(ends[1])
        let host = Connection(ends[0])
        try host.readGreetingAndSample()
        #expect(try host.exchangeKeepAlive(1).isEmpty)
        host.close()
        #expect(try agent.waitForEnd() == .exited(69))
    }
}
