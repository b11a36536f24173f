import Foundation
import TestSupport
import Testing

/// `vireo host watch --state`: rows and what was received, safe before it is acknowledged.
@Suite(.ownThread) struct StateTests {
    private func rows(_ folder: String) throws -> [Message] {
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        let names = (files ?? []).filter { $0.hasSuffix(".jsonl") }.sorted()
        return try names.flatMap { name in
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                .split(separator: "\n").map { try Message(String($0)) }
        }.filter { $0.number("seq") != nil }
    }

    /// Nobody reads what it prints, so it must not go into a pipe.
    private func start(_ scene: Scene) throws -> Program {
        try scene.start(
            ["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null"] + [
                Products.vireo, "host", "watch", "--listen", scene.path("host.sock"), "--state",
                scene.path("state"), "--json",
            ])
    }

    @Test(arguments: Engine.allCases)
    func everyMessageIsStoredOnceOverKillsOfTheWatch(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        var random = SeededRandom()
        _ = try scene.startAgent(engine.rawValue, interval: 0.05, flags: ["--processes", "100"])
        for _ in 0..<10 {
            let watch = try start(scene)
            letPass(seconds: 0.1 + Double(random.below(5)) / 10)
            watch.kill()
        }
        let last = try start(scene)
        // The last line may be half written when it is looked at.
        try waitUntil("rows") { ((try? rows(scene.path("state")).count) ?? 0) > 20 }
        last.signal(SIGTERM)
        #expect(try last.waitForEnd() == .exited(0))
        let stored = try rows(scene.path("state"))
        #expect(Set(stored.compactMap { $0.text("epoch") }).count == 1)
        let numbers = stored.compactMap { $0.number("seq") }.map { Int($0) }
        #expect(numbers == Array(1...max(1, numbers.count)), "seed \(random.seed)")
        #expect(numbers.count > 20, "seed \(random.seed)")
    }

    @Test func whatTheStoreCannotTakeStaysWithTheGuestAndComesAgain() throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let watch = try start(scene)
        _ = try scene.startAgent("auto", interval: 0.05)
        try waitUntil("rows") { try rows(scene.path("state")).count > 3 }
        // From here on a file may have 20,000 bytes: each one that is full makes the store fail.
        let limit = try scene.start(["prlimit", "--pid", "\(watch.pid)", "--fsize=20000"])
        #expect(try limit.waitForEnd() == .exited(0))
        try waitUntil("two files that were full", seconds: 15) {
            watch.errorText.components(separatedBy: "cannot be stored").count > 2
        }
        letPass(seconds: 1.5)
        watch.signal(SIGTERM)
        #expect(try watch.waitForEnd() == .exited(0))
        let numbers = try rows(scene.path("state")).compactMap { $0.number("seq") }.map { Int($0) }
        #expect(numbers == Array(1...max(1, numbers.count)))
    }

    /// An agent that was acknowledged once never falls back, and a watch without a state says so.
    @Test func aWatchWithoutAStateSaysWhyNothingComes() throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let listener = try Listener(scene.path("host.sock"))
        _ = try scene.startAgent("auto", interval: 0.2)
        let first = try listener.accept()
        _ = try first.acknowledgeGreeting(try first.readGreeting())
        _ = try first.readMessage("metrics")
        first.close()
        listener.close()
        let watch = try scene.start([
            "/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null", Products.vireo, "host", "watch",
            "--listen", scene.path("host.sock"),
        ])
        try waitUntil("the reason", seconds: 15) { watch.errorText.contains("--state DIR") }
    }

    @Test func aSecondWatchOnTheSameStateIsRefused() throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        let first = try start(scene)
        try waitUntil("the folder") {
            FileManager.default.fileExists(atPath: scene.path("state"))
                && FileManager.default.fileExists(atPath: scene.path("host.sock"))
        }
        let second = try scene.start([
            Products.vireo, "host", "watch", "--listen", scene.path("other.sock"), "--state",
            scene.path("state"),
        ])
        #expect(try second.waitForEnd() == .exited(69))
        #expect(second.errorText.contains("in use"))
        first.signal(SIGTERM)
        #expect(try first.waitForEnd() == .exited(0))
    }

    @Test func aFolderThatOthersMayEnterIsRefused() throws {
        let scene = try Scene()
        defer { scene.end() }
        try FileManager.default.createDirectory(
            atPath: scene.path("state"), withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755])
        chmod(scene.path("state"), 0o755)
        let watch = try start(scene)
        #expect(try watch.waitForEnd() == .exited(74))
        #expect(watch.errorText.contains("0700"))
    }

    /// A line that a power failure cut in two was never acknowledged.
    @Test func halfALineAtTheEndIsCutOffAndComesAgain() throws {
        let scene = try Scene()
        defer { scene.end() }
        chmod(scene.folder, 0o700)
        _ = try scene.startAgent("auto", interval: 0.05)
        let first = try start(scene)
        let folder = scene.path("state")
        try waitUntil("rows") { ((try? rows(folder).count) ?? 0) > 3 }
        first.kill()
        let name = try #require(
            FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
                .first { $0.hasSuffix(".jsonl") })
        let path = "\(folder)/\(name)"
        let before = try rows(folder).count
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
        try #require(before > 2)
        #expect(truncate(path, size - 7) == 0)
        let second = try start(scene)
        try waitUntil("rows") { ((try? rows(folder).count) ?? 0) > before + 5 }
        second.signal(SIGTERM)
        _ = try second.waitForEnd()
        // The row that was cut had been acknowledged, as far as this test's agent knows: what it
        // no longer has is named as lost, and nothing is stored twice.
        let numbers = try rows(folder).compactMap { $0.number("seq") }.map { Int($0) }
        #expect(Set(numbers).count == numbers.count && numbers == numbers.sorted())
        #expect(numbers.count > before)
    }
}
