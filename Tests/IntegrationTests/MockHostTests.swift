import Foundation
import Testing

/// `vireo mock-host` with a real agent on its socket, and with a guest that the test plays.
@Suite(.ownThread) struct MockHostTests {
    private func start(
        _ script: String?, _ scene: Scene, flags: [String] = []
    ) throws -> Program {
        var command = [Products.vireo, "mock-host", "--listen", scene.path("host.sock")] + flags
        if let script {
            try script.write(toFile: scene.path("script"), atomically: true, encoding: .utf8)
            command += ["--script", scene.path("script")]
        }
        return try scene.start(command)
    }

    @Test func aScriptThatHoldsEndsWithZero() throws {
        let scene = try Scene()
        defer { scene.end() }
        let host = try start(
            """
            expect handshake platform=linux protocol=vireo/1
            answer
            expect metrics seq=1 data.system.uptime_seconds=0 within 2000
            """, scene)
        _ = try scene.startAgent("auto")
        // The uptime is never 0: the last line does not hold, and the status says so.
        #expect(try host.waitForEnd(seconds: patienceSeconds) == .exited(1))
        #expect(host.errorText.contains("line 3: no such metrics within 2000 ms"))
        #expect(host.outputLines.contains { $0.hasPrefix("{\"type\":\"metrics\"") })
        #expect(!FileManager.default.fileExists(atPath: scene.path("host.sock")))
    }

    /// The promise, seen from outside: lazy acknowledgements and many drops, often in mid-frame, and
    /// yet every number comes once and in order.
    @Test func aHostThatDropsOftenSeesEveryNumber() throws {
        let scene = try Scene()
        defer { scene.end() }
        let host = try start(
            """
            track
            answer all
            ack lazily 3
            repeat 20
              drop after 5000 bytes
              wait 300
              drop
            end
            expect-seq 20
            """, scene, flags: ["--quiet"])
        _ = try scene.startAgent("auto", interval: 0.2)
        #expect(try host.waitForEnd(seconds: 60) == .exited(0), "\(host.errorText)")
        #expect(host.outputText.isEmpty)
    }

    @Test func aGapIsNoticed() throws {
        let scene = try Scene()
        defer { scene.end() }
        let host = try start("track\nexpect-seq 3\n", scene)
        let guest = scene.keep(try Connection(to: scene.path("host.sock")))
        let epoch = "00112233445566778899aabbccddeeff"
        for number in [1, 3] {
            try guest.send("{\"type\":\"metrics\",\"epoch\":\"\(epoch)\",\"seq\":\(number)}\n")
        }
        #expect(try host.waitForEnd(seconds: patienceSeconds) == .exited(1))
        #expect(host.errorText.contains("number 3 came after 1: 1 are missing"))
    }

    @Test func withoutAScriptEverythingIsAcknowledged() throws {
        let scene = try Scene()
        defer { scene.end() }
        let host = try start(nil, scene)
        let guest = scene.keep(try Connection(to: scene.path("host.sock")))
        #expect(try guest.readLine().isEmpty)
        #expect(try guest.readMessage().type == "handshake_request")
        let mode = try FileManager.default.attributesOfItem(atPath: scene.path("host.sock"))
        #expect((mode[.posixPermissions] as? Int) == 0o600)
        let epoch = "00112233445566778899aabbccddeeff"
        try guest.send(
            "{\"type\":\"handshake\",\"protocol\":\"vireo/1\",\"epoch\":\"\(epoch)\",\"session\":1,"
                + "\"first\":1,\"next\":3,\"gaps\":[]}\n")
        let answer = try guest.readMessage("handshake_ack")
        #expect(answer.text("epoch") == epoch && answer.number("received") == 0)
        for number in 1...3 {
            try guest.send("{\"type\":\"x\\u001b\",\"epoch\":\"\(epoch)\",\"seq\":\(number)}\n")
            #expect(try guest.readMessage("ack").number("seq") == Double(number))
        }
        try guest.send("{\"type\":\"keep_alive\",\"sequence_number\":7}\n")
        #expect(try guest.readMessage("keep_alive_response").number("sequence_number") == 7)
        try guest.send("{\"type\":\n")
        host.signal(15)
        #expect(try host.waitForEnd() == .exited(0))
        #expect(!host.outputText.contains("\u{1B}"))
        #expect(host.outputLines.filter { $0.contains("\"seq\"") }.count == 3)
    }

    @Test func aScriptThatCannotBeReadSaysWhere() throws {
        let scene = try Scene()
        defer { scene.end() }
        let host = try start("greet\ndance\n", scene)
        #expect(try host.waitForEnd() == .exited(64))
        #expect(host.errorText.contains("line 2: no instruction \"dance\""))
        let busy = try Listener(scene.path("host.sock"))
        let second = try start("greet\n", scene)
        #expect(try second.waitForEnd() == .exited(69))
        busy.close()
    }
}
