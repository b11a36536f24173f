import Foundation
import TestSupport
import Testing

/// `vireod --spool`: what has a number outlives the agent that gave it.
@Suite(.ownThread) struct SpoolTests {
    private static func handshakeAck(
        _ handshake: Message, received: Int = 0, spooled: String? = nil
    ) throws -> String {
        let epoch = try #require(handshake.text("epoch"))
        let session = Int(try #require(handshake.number("session")))
        return """
            {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),\
            "received":\(received),"window":1048576,"capabilities":["ack"]\
            \(spooled.map { ",\"spooled\":[\($0)]" } ?? "")}

            """
    }

    private func startAgent(
        _ scene: Scene, _ engine: Engine, interval: Double = 0.05, wrapper: [String] = []
    ) throws -> Program {
        try scene.startAgent(
            engine.rawValue, interval: interval, flags: ["--spool", scene.path("spool")],
            wrapper: wrapper)
    }

    private func files(_ scene: Scene) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: scene.path("spool"))) ?? []).sorted()
    }

    /// Reads numbered messages until `count` have come; nothing is acknowledged.
    private func read(_ count: Int, _ host: Connection) throws -> [Message] {
        var messages: [Message] = []
        while messages.count < count {
            let message = try host.readMessage(seconds: 15)
            if message.number("seq") != nil { messages.append(message) }
        }
        return messages
    }

    @Test(arguments: Engine.allCases)
    func everyNumberOfEveryEpochArrivesOverTenKills(_ engine: Engine) throws {
        var random = SeededRandom()
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        var host = AcknowledgingHost(seed: random.seed &+ 1)
        var listener = try Listener(scene.path("host.sock"))
        for round in 0..<10 {
            let agent = try startAgent(scene, engine)
            // Now and then a host from before is there first, and takes only what is new.
            host.knowsSpool = random.below(4) > 0
            for _ in 0..<(1 + random.below(3)) {
                let connection = try listener.accept(seconds: 20)
                let bytes = [3000, 20_000, 200_000][random.below(3)]
                try host.play(
                    connection, seconds: [0.1, 0.3, 0.5][random.below(3)], bytesMax: bytes)
                // What is under way is lost, with the connection or with the agent.
                if round % 3 == 0 { agent.kill() }
                connection.close()
                if round % 3 == 0 { break }
            }
            if round % 2 == 0 {
                listener.close()
                agent.kill()
                letPass(seconds: 0.05)
                listener = try Listener(scene.path("host.sock"))
            } else {
                agent.kill()
            }
        }
        host.knowsSpool = true
        let last = try startAgent(scene, engine)
        // Of the earlier epochs no file is left once the agent has heard that all of them came.
        var isDone = false
        for _ in 0..<20 where !isDone {
            let connection = try listener.accept(seconds: 20)
            try host.play(connection, seconds: 0.7, bytesMax: .max)
            connection.close()
            isDone = host.hasAll && Set(files(scene).map { $0.prefix(8) }).count <= 1
        }
        let told =
            "seed \(random.seed): \(host.count) numbers of \(host.rows.count) epochs, "
            + "\(host.repeated) repeated, \(host.spooledOffers) epochs offered from the disk"
        print("SpoolTests \(engine): \(told)")
        #expect(host.hasAll, "\(host.declared), \(host.rows.mapValues(\.count)); \(told)")
        #expect(host.rows.count > 5 && host.spooledOffers > 0 && host.skipped == 0, "\(told)")
        #expect(last.ended() == nil)
        #expect(isDone, "\(files(scene)); \(told)")
    }

    @Test(arguments: Engine.allCases)
    func aFullMediumIsSaidOnceAndCostsNothingWhileTheAgentLives(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let listener = try Listener(scene.path("host.sock"))
        let agent = try startAgent(scene, engine)
        let host = scene.keep(try listener.accept())
        try host.send(Self.handshakeAck(try host.readGreeting()))
        var messages = try read(3, host)
        try setLimit("20000", of: agent, scene)
        // More than the file may have.
        let bytes = messages.reduce(0) { $0 + $1.line.count } / 3
        messages += try read(20_000 / bytes + 10, host)
        #expect(agent.errorText.components(separatedBy: "the spool failed").count == 2)
        try setLimit("unlimited", of: agent, scene)
        try waitUntil("the spool again", seconds: 15) {
            agent.errorText.contains("the spool works again")
        }
        messages += try read(3, host)
        #expect(messages.map { Int($0.number("seq") ?? 0) } == Array(1...messages.count))
        // All of it was kept, and stands on the disk now.
        agent.kill()
        host.close()
        _ = try startAgent(scene, engine)
        let next = scene.keep(try listener.accept())
        let handshake = try next.readGreeting()
        try next.send(Self.handshakeAck(handshake, spooled: ""))
        let again = try read(messages.count, next)
        let places = zip(again, messages).filter { $0.line != $1.line }
            .map { "\($1.number("seq") ?? 0): \($0.text("epoch") ?? "") \($0.number("seq") ?? 0)" }
        #expect(places.isEmpty, "byte for byte; spooled \(handshake["spooled"] ?? "none")")
    }

    private func setLimit(_ limit: String, of agent: Program, _ scene: Scene) throws {
        let change = try scene.start([
            "prlimit", "--pid", "\(agent.pid)", "--fsize=\(limit):unlimited",
        ])
        #expect(try change.waitForEnd() == .exited(0))
    }

    /// A medium on which nothing can be written, from the start.
    @Test(arguments: ["-o bind,ro,X-mount.mkdir", "-t tmpfs -o size=4k,mode=700"])
    func aMediumThatTakesNothingIsSaidAndTheAgentGoesOn(_ options: String) throws {
        guard geteuid() == 0 else { return }
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        mkdir(scene.path("spool"), 0o700)
        let listener = try Listener(scene.path("host.sock"))
        let folder = scene.path("spool")
        let source = options.contains("tmpfs") ? "none" : folder
        let plain = options.replacing(",X-mount.mkdir", with: "")
        let agent = try startAgent(
            scene, .epoll,
            wrapper: [
                "unshare", "-m", "/bin/sh", "-c",
                "mount \(plain) \(source) \(folder) && exec \"$0\" \"$@\"",
            ])
        let host = scene.keep(try listener.accept())
        try host.send(Self.handshakeAck(try host.readGreeting()))
        let messages = try read(20, host)
        #expect(messages.map { Int($0.number("seq") ?? 0) } == Array(1...20))
        #expect(agent.errorText.components(separatedBy: "the spool failed").count == 2)
        #expect(agent.errorText.contains(options.contains("tmpfs") ? "ENOSPC" : "EROFS"))
    }

    @Test func aSpoolWithABadByteGivesWhatStandsBeforeIt() throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let listener = try Listener(scene.path("host.sock"))
        let agent = try startAgent(scene, .epoll)
        let host = scene.keep(try listener.accept())
        try host.send(Self.handshakeAck(try host.readGreeting()))
        let messages = try read(10, host)
        agent.kill()
        host.close()
        let path = scene.path("spool/\(try #require(files(scene).first))")
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(filePath: path))
        let other = try startAgent(scene, .epoll)
        let next = scene.keep(try listener.accept())
        let handshake = try next.readGreeting()
        #expect(other.errorText.contains("bad bytes cut off"))
        let spooled = try #require(handshake.list("spooled")?.first as? [String: Any])
        let left = try #require(spooled["next"] as? Int) - 1
        #expect((1...7).contains(left))
        try next.send(Self.handshakeAck(handshake, spooled: ""))
        let again = try read(left + 1, next)
        #expect(again.prefix(left).map(\.line) == messages.prefix(left).map(\.line))
        #expect(
            again.last?.number("seq") == 1 && again.last?.text("epoch") != messages[0].text("epoch")
        )
    }

    @Test func aSpoolOfAnotherMachineIsDiscarded() throws {
        guard geteuid() == 0 else { return }
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let listener = try Listener(scene.path("host.sock"))
        let agent = try startAgent(scene, .epoll)
        let host = scene.keep(try listener.accept())
        try host.send(Self.handshakeAck(try host.readGreeting()))
        _ = try read(5, host)
        agent.kill()
        host.close()
        try "00112233445566778899aabbccddeeff\n".write(
            toFile: scene.path("machine-id"), atomically: false, encoding: .utf8)
        let other = try startAgent(
            scene, .epoll,
            wrapper: [
                "unshare", "-m", "/bin/sh", "-c",
                "touch /etc/machine-id && mount --bind \(scene.path("machine-id")) /etc/machine-id"
                    + " && exec \"$0\" \"$@\"",
            ])
        let next = scene.keep(try listener.accept())
        #expect(try next.readGreeting().list("spooled") == nil)
        #expect(other.errorText.contains("1 files of another machine discarded"))
    }

    @Test func aFolderThatOthersMayEnterIsRefused() throws {
        let scene = try Scene()
        defer { scene.end() }
        mkdir(scene.path("spool"), 0o755)
        chmod(scene.path("spool"), 0o755)
        let agent = try startAgent(scene, .epoll)
        #expect(try agent.waitForEnd() == .exited(77))
        #expect(agent.errorText.contains("mode 0700"))
    }

    /// The watch stores rows with their epoch, and what was spooled goes away.
    @Test(arguments: Engine.allCases)
    func theWatchTakesWhatEarlierLivesLeft(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        var random = SeededRandom()
        let watchCommand =
            ["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null"] + [
                Products.vireo, "host", "watch", "--listen", scene.path("host.sock"), "--state",
                scene.path("state"), "--json",
            ]
        var watch = try scene.start(watchCommand)
        for round in 0..<6 {
            let agent = try startAgent(scene, engine)
            letPass(seconds: Double(random.below(5)) / 10)
            try waitUntil("a row of each epoch") { epochs(scene).count > round }
            if round % 2 == 0 {
                watch.kill()
                watch = try scene.start(watchCommand)
                letPass(seconds: 0.3)
            }
            agent.kill()
        }
        _ = try startAgent(scene, engine)
        try waitUntil("a row of the last epoch, and the earlier ones' files gone") {
            epochs(scene).count > 6 && Set(files(scene).map { $0.prefix(8) }).count <= 1
        }
        watch.signal(SIGTERM)
        #expect(try watch.waitForEnd() == .exited(0))
        #expect(!watch.errorText.contains("lost"), "\(watch.errorText)")
        #expect(Set(files(scene).map { $0.prefix(8) }).count <= 1, "seed \(random.seed)")
        var numbers: [String: [Int]] = [:]
        for row in try rows(scene.path("state")) {
            numbers[try #require(row.text("epoch")), default: []].append(
                Int(try #require(row.number("seq"))))
        }
        #expect(numbers.count > 4, "seed \(random.seed)")
        for (epoch, found) in numbers {
            #expect(found == Array(1...found.count), "\(epoch), seed \(random.seed)")
        }
    }

    /// Of what is stored; nothing while the last line is half written.
    private func epochs(_ scene: Scene) -> Set<String> {
        Set(((try? rows(scene.path("state"))) ?? []).compactMap { $0.text("epoch") })
    }

    private func rows(_ folder: String) throws -> [Message] {
        let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        let names = (all ?? []).filter { $0.hasSuffix(".jsonl") }.sorted()
        return try names.flatMap { name in
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                .split(separator: "\n").map { try Message(String($0)) }
        }.filter { $0.number("seq") != nil }
    }
}
