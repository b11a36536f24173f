import Foundation
import Testing

/// `vireo host watch` on its sockets: with agents, with nobody, and with strangers in the way.
@Suite(.ownThread) struct HostWatchTests {
    @Test(arguments: Engine.allCases)
    func whatAnAgentSendsIsPrintedAsJSONLines(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("host.sock")
        let watch = try scene.start([
            Products.vireo, "host", "watch", "--listen", socket, "--json", "--engine",
            engine.rawValue,
        ])
        _ = try scene.startAgent(engine.rawValue, interval: 0.2)
        try waitUntil("five metrics") {
            watch.outputText.split(separator: "\"type\":\"metrics\"").count > 5
        }
        watch.signal(SIGTERM)
        #expect(try watch.waitForEnd() == .exited(0))
        let messages = try watch.outputLines.map { try Message($0) }
        #expect(messages.first?.type == "handshake")
        #expect(messages.filter { $0.type == "metrics" }.count >= 5)
        #expect(messages.allSatisfy { $0.text("socket") != nil }, "which guest said it")
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    @Test func theListeningSocketIsForItsOwnerAloneAndSoIsItsFolder() throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("folder/host.sock")
        let watch = try scene.start([Products.vireo, "host", "watch", "--listen", socket])
        try waitUntil("the socket") { FileManager.default.fileExists(atPath: socket) }
        #expect(try mode(of: socket) == 0o600)
        #expect(try mode(of: scene.path("folder")) == 0o700)
        watch.signal(SIGTERM)
        #expect(try watch.waitForEnd() == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    private func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func aSilentSocketIsReportedAsOneThatSomebodyElseHas() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("qemu.sock"))
        let watch = try scene.start([Products.vireo, "host", "watch", listener.path])
        let host = try listener.accept()
        let start = monotonicSeconds()
        #expect(try watch.waitForEnd(seconds: 6) == .exited(69))
        let took = monotonicSeconds() - start
        #expect((2.5...5).contains(took), "\(took) s")
        #expect(watch.errorText.contains(listener.path), "\(watch.errorText)")
        host.close()
    }

    @Test func aSocketOfOursThatNobodyListensOnIsReplaced() throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("host.sock")
        try leaveStaleSocket(socket)
        let watch = try scene.start([Products.vireo, "host", "watch", "--listen", socket, "--json"])
        _ = try scene.startAgent("auto")
        try waitUntil("a handshake") { watch.outputText.contains("\"handshake\"") }
        watch.signal(SIGTERM)
        #expect(try watch.waitForEnd() == .exited(0))
    }

    @Test func aFileThatIsNoSocketIsNotReplaced() throws {
        let scene = try Scene()
        defer { scene.end() }
        let file = scene.path("host.sock")
        try "precious".write(toFile: file, atomically: true, encoding: .utf8)
        try expectRefusal(scene, file)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "precious")
    }

    @Test(.enabled("giving a file away takes root") { geteuid() == 0 })
    func aStaleSocketOfSomebodyElseIsNotReplaced() throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("host.sock")
        try leaveStaleSocket(socket)
        #expect(chown(socket, 65_534, 65_534) == 0)
        try expectRefusal(scene, socket)
        let attributes = try FileManager.default.attributesOfItem(atPath: socket)
        #expect(attributes[.ownerAccountID] as? Int == 65_534)
    }

    @Test func aSocketThatSomebodyListensOnIsNotReplaced() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        try expectRefusal(scene, listener.path)
        // Nobody took its name away.
        let visitor = try Connection(to: listener.path)
        visitor.close()
        #expect(FileManager.default.fileExists(atPath: listener.path))
    }

    @Test(.enabled("giving a folder away takes root") { geteuid() == 0 })
    func aFolderThatOthersCanWriteToIsNoPlaceForASocket() throws {
        let scene = try Scene()
        defer { scene.end() }
        let folder = scene.path("open")
        #expect(mkdir(folder, 0o777) == 0 && chmod(folder, 0o777) == 0)
        try expectRefusal(scene, "\(folder)/host.sock")
    }

    private func expectRefusal(_ scene: Scene, _ path: String) throws {
        let watch = try scene.start([Products.vireo, "host", "watch", "--listen", path])
        #expect(try watch.waitForEnd() == .exited(69))
        #expect(watch.errorText.contains(path), "\(watch.errorText)")
    }

    /// A file without a listener, as one that was killed leaves behind.
    private func leaveStaleSocket(_ path: String) throws {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        guard withUnixAddress(path, { bind(number, $0, $1) }) == 0 else { throw Failure("bind") }
    }

    /// As in `vireo host watch --json | head -n 1`.
    @Test func aWatchEndsWhenNobodyReadsItAnyMore() throws {
        let scene = try Scene()
        defer { scene.end() }
        let socket = scene.path("host.sock")
        let watch = try scene.start([Products.vireo, "host", "watch", "--listen", socket, "--json"])
        _ = try scene.startAgent("auto", interval: 0.1)
        try waitUntil("a line") { !watch.outputLines.isEmpty }
        watch.closeOutput()
        try watch.waitForEnd()
    }
}
