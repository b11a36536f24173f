import Foundation
import Testing

/// `vireo doctor` as scripts use it.
@Suite(.ownThread) struct DoctorCommandTests {
    @Test func theExitStatusSaysWhatTheObjectSays() throws {
        let scene = try Scene()
        defer { scene.end() }
        let doctor = try scene.start([Products.vireo, "doctor", "--json"])
        let ending = try doctor.waitForEnd()
        #expect(doctor.outputLines.count == 1)
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(doctor.outputBytes)) as? [String: Any])
        let isHealthy = try #require(report["healthy"] as? Bool)
        #expect(ending == .exited(isHealthy ? 0 : 69))
        let findings = try #require(report["findings"] as? [[String: Any]])
        #expect(findings.contains { $0["check"] as? String == "driver" })
        for finding in findings where finding["severity"] as? String == "problem" {
            #expect(finding["remedy"] as? String != nil, "\(finding)")
        }
    }

    @Test func aSocketThatIsNotThereIsAProblemAndItsNameHarmless() throws {
        let scene = try Scene()
        defer { scene.end() }
        let doctor = try scene.start(
            [Products.vireo, "doctor", "--socket", scene.path("\u{1b}[2Jnone")])
        #expect(try doctor.waitForEnd() == .exited(69))
        #expect(doctor.outputText.contains("\\u{1b}[2Jnone"))
        #expect(!doctor.outputText.contains("\u{1b}"))
        #expect(doctor.outputText.contains("vireo config qemu"))
    }

    @Test func aSocketThatNobodyAnswersOnIsToldAfterThreeSeconds() throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("qemu.sock"))
        let doctor = try scene.start(
            [Products.vireo, "doctor", "--json", "--socket", listener.path])
        let connection = try listener.accept()
        // What a host says first: it ends a half frame, and asks.
        #expect(try connection.readLine().isEmpty)
        #expect(doctor.ended() == nil)
        #expect(try doctor.waitForEnd(seconds: 8) == .exited(69))
        #expect(doctor.outputText.contains("no byte within 3.0 s"))
    }

    @Test func aMonitorWithoutASocketIsAMistakeInUse() throws {
        let scene = try Scene()
        defer { scene.end() }
        let doctor = try scene.start([Products.vireo, "doctor", "--qmp", "/tmp/x"])
        #expect(try doctor.waitForEnd() == .exited(64))
    }
}

/// Where the agent's log goes.
@Suite(.ownThread) struct LogStreamTests {
    @Test(arguments: [true, false])
    func prioritiesAreWrittenOnlyToTheJournalsOwnStream(_ isJournal: Bool) throws {
        let scene = try Scene()
        defer { scene.end() }
        // The first program's standard error.
        let path = scene.path("stderr-0")
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        var status = stat()
        try #require(stat(path, &status) == 0)
        // A terminal that was started from a service inherits the variable, too.
        let inode = isJournal ? status.st_ino : status.st_ino + 1
        let agent = try scene.startAgent(
            "auto", environment: ["JOURNAL_STREAM": "\(status.st_dev):\(inode)"])
        if isJournal, FileManager.default.fileExists(atPath: "/run/systemd/journal/socket") {
            // This machine has a journal: then the records are there, and none of them here.
            letPass(seconds: 0.5)
            #expect(agent.errorLines.isEmpty)
            return
        }
        try waitUntil("a line of the log") { !agent.errorLines.isEmpty }
        let first = try #require(agent.errorLines.first)
        #expect(first.hasPrefix(isJournal ? "<" : "info: ") || first.hasPrefix("notice: "))
        #expect(first.hasPrefix("<") == isJournal, "\(first)")
    }
}
