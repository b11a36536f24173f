import Foundation
import Testing

/// Registered memory is counted for each user, and an agent shares its user with others.
@Suite(.ownThread) struct LockedMemoryTests {
    private static let buffers = [24, 2, 32].map { $0 * 65_536 }
    /// What systemd gives to a service by default on Debian 12.
    private static let usualBytes = 8_388_608

    /// Agents of one ordinary user, that nobody else on this machine is.
    private struct User {
        let scene: Scene
        let id = UInt32.random(in: 100_000...500_000)
        let program: String

        /// The program is copied to where any user can start it; by a child, for one that is open
        /// for writing in this process, and so in any child that is just being started, cannot run.
        init(_ scene: Scene) throws {
            self.scene = scene
            program = scene.path("vireod")
            let copy = try scene.start(["cp", Products.vireod, program])
            try #require(try copy.waitForEnd() == .exited(0), "\(copy.errorText)")
        }

        func start(memoryLockBytes: Int, socket: String) throws -> (Program, Connection) {
            let listener = try Listener(scene.path(socket))
            var command = ["prlimit", "--memlock=\(memoryLockBytes):\(memoryLockBytes)"]
            // The death signal has to be set again: a change of user clears it.
            command += ["setpriv", "--pdeathsig", "KILL"]
            if geteuid() == 0 {
                command += ["--reuid", "\(id)", "--regid", "\(id)", "--clear-groups"]
            }
            command += [program, "--device", "unix:\(listener.path)", "--engine", "auto"]
            let agent = try scene.start(command + ["--interval", "3600"])
            let host = scene.keep(try listener.accept())
            try host.readGreetingAndSample()
            listener.close()
            return (agent, host)
        }
    }

    /// Starts one as systemd would.
    private func start(_ user: User, _ name: String) throws -> (Program, Connection) {
        try user.start(memoryLockBytes: Self.usualBytes, socket: name)
    }

    private func waitUntilRegistered(_ agent: Program) throws {
        var seen: [Int]?
        try waitUntil("registered buffers, not \(String(describing: seen))", seconds: 8) {
            seen = agent.registeredBuffers()
            return seen == Self.buffers
        }
    }

    @Test func twoAgentsOfOneUserBothRegisterAndSoDoesOneRightAfterAKill() throws {
        let scene = try Scene()
        defer { scene.end() }
        let user = try User(scene)
        let (first, _) = try start(user, "1.sock")
        let (second, secondHost) = try start(user, "2.sock")
        try waitUntilRegistered(first)
        try waitUntilRegistered(second)
        first.kill()
        // The time a service manager leaves before a restart: less than the kernel may take.
        letPass(seconds: 0.1)
        let (third, thirdHost) = try start(user, "3.sock")
        #expect(third.registeredBuffers() != nil, "on io_uring from the first moment on")
        try waitUntilRegistered(third)
        #expect(!third.errorText.contains("epoll"))
        #expect(try thirdHost.exchangeKeepAlive(1).isEmpty)
        #expect(try secondHost.exchangeKeepAlive(1).isEmpty)
    }

    /// What was killed gives its memory back when the kernel gets to it, which can be after the
    /// start of the next: here for certain, for it is killed only then.
    @Test func anAgentThatFindsTooLittleTriesAgainWhenOthersHaveGone() throws {
        let scene = try Scene()
        defer { scene.end() }
        let user = try User(scene)
        let (first, _) = try start(user, "1.sock")
        let (second, _) = try start(user, "2.sock")
        try waitUntilRegistered(first)
        try waitUntilRegistered(second)
        let (third, host) = try start(user, "3.sock")
        try waitUntil("the third's refusal") { third.errorText.contains("trying again") }
        #expect(try host.exchangeKeepAlive(1).isEmpty, "it works meanwhile")
        first.kill()
        try waitUntilRegistered(third)
        #expect(try host.exchangeKeepAlive(2).isEmpty)
        #expect(!third.errorText.contains("epoll"))
    }

    @Test func withoutRoomToLockMemoryIoUringRunsAllTheSameAndSaysSo() throws {
        let scene = try Scene()
        defer { scene.end() }
        let user = try User(scene)
        let (agent, host) = try user.start(memoryLockBytes: 65_536, socket: "1.sock")
        try waitUntil("what it says of the slabs; it said: \(agent.errorText)", seconds: 8) {
            agent.errorText.contains("slabs are not registered")
        }
        #expect(agent.errorText.contains("LimitMEMLOCK"))
        #expect(agent.registeredBuffers() == [])
        #expect(try host.exchangeKeepAlive(1).isEmpty)
        try host.send("{\"type\":\"Metrics\"}\n")
        #expect(try host.readMessage().text("data.agent.engine") == "uring")
    }
}
