import Commands
import Foundation
import IOEngine
import Kernel
import Testing
import Wire

/// Commands on the real kernel: the rows of the table of faults, each as its row says.
@Suite(.serialized) struct RunningTests {
    @Test(arguments: RunningHarness.kinds)
    func aCommandThatEndsIsAnsweredWithItsStatus(_ kind: Isolation.Kind) throws {
        let harness = try RunningHarness(kind)
        let result = try harness.run(shell: "echo out; echo err >&2; exit 3")
        #expect(result.outcome == .exited)
        #expect(result.exitCode == 3)
        #expect(result.standardOutput.text == "out\n")
        #expect(result.standardError.text == "err\n")
        #expect(result.isolation == kind)
    }

    @Test(arguments: IOEngine.Choice.allCases)
    func bothEnginesRunCommands(_ choice: IOEngine.Choice) throws {
        let harness = try RunningHarness(RunningHarness.kinds[0], choice)
        for round in 0..<20 {
            let result = try harness.run(shellCommand("printf %d \(round)"), key: UInt64(round))
            #expect(result.standardOutput.text == "\(round)")
        }
    }

    @Test(arguments: RunningHarness.kinds)
    func aSignalIsToldApartFromAStatus(_ kind: Isolation.Kind) throws {
        let result = try RunningHarness(kind).run(shell: "kill -USR1 $$")
        #expect(result.outcome == .signalled)
        #expect(result.signal == SIGUSR1)
        #expect(result.exitCode == nil)
    }

    @Test func theChildSeesFewVariablesAndOnlyThreeDescriptors() throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        let variables = try harness.run(CommandSpecification(arguments: ["env"]))
        let names = variables.standardOutput.text.split(separator: "\n")
        #expect(Set(names.map { $0.prefix { $0 != "=" } }) == ["PATH", "LANG", "HOME", "TERM"])
        #expect(names.contains("TERM=dumb"))
        let descriptors = try harness.run(
            CommandSpecification(arguments: ["ls", "/proc/self/fd"]), key: 2)
        // The fourth is ls's own, of the folder it lists.
        #expect(descriptors.standardOutput.text == "0\n1\n2\n3\n")
    }

    /// Less than this, and a command begins in a copy of its parent's memory.
    static let memoryBytes = [1 << 30, RunningLimits.sharedStartMemoryMin - 4096]

    @Test(arguments: memoryBytes)
    func theChildStartsWithAClearedState(_ memoryBytes: UInt64) throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        var command = CommandSpecification(arguments: [
            "sh", "-c",
            "umask; grep -E '^(SigBlk|SigIgn|SigCgt|NoNewPrivs)' /proc/self/status; pwd",
        ])
        command.limits.memoryBytesMax = memoryBytes
        let result = try harness.run(command)
        let text = result.standardOutput.text
        #expect(text.contains("0077"))
        #expect(text.contains("SigBlk:\t0000000000000000"))
        #expect(text.contains("SigIgn:\t0000000000000000"))
        #expect(text.contains("NoNewPrivs:\t1"))
        #expect(text.hasSuffix("/\n"))
        let session = try harness.run(
            CommandSpecification(arguments: ["sh", "-c", "echo $$; cut -d' ' -f6 /proc/$$/stat"]),
            key: 2)
        let numbers = session.standardOutput.text.split(separator: "\n")
        #expect(numbers.count == 2 && numbers[0] == numbers[1])
    }

    @Test func anotherUserIsBecomeWithAllItsGroups() throws {
        var specification = CommandSpecification(
            arguments: ["sh", "-c", "id -un; grep -E '^(Uid|Gid|Groups)' /proc/self/status"])
        specification.userName = "nobody"
        let text = try RunningHarness(RunningHarness.kinds[0]).run(specification)
            .standardOutput.text
        #expect(text.hasPrefix("nobody\n"))
        #expect(text.contains("Uid:\t65534\t65534\t65534\t65534"))
        #expect(text.contains("Gid:\t65534\t65534\t65534\t65534"))
        #expect(!text.contains("Groups:\t0"))
    }

    // MARK: Row 42: a command that cannot start

    @Test(arguments: memoryBytes)
    func eachReasonNotToStartHasItsWords(_ memoryBytes: UInt64) throws {
        let folder = try temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let closed = "\(folder)/closed"
        let formless = "\(folder)/formless"
        let orphan = "\(folder)/orphan"
        try write("#!/bin/sh\n", to: closed, mode: 0o600)
        try write("not a program", to: formless, mode: 0o700)
        try write("#!/nowhere/interpreter\n", to: orphan, mode: 0o700)
        let harness = try RunningHarness(RunningHarness.kinds[0])
        func failure(_ specification: CommandSpecification, _ key: UInt64) throws -> StartFailure {
            var specification = specification
            specification.limits.memoryBytesMax = memoryBytes
            let result = try harness.run(specification, key: key)
            #expect(result.outcome == .failedToStart)
            #expect(result.exitCode == nil && result.signal == nil)
            return try #require(result.failure)
        }
        let missing = try failure(CommandSpecification(arguments: ["/nowhere/program"]), 1)
        #expect(missing.errnoName == "ENOENT")
        let unnamed = try failure(CommandSpecification(arguments: ["no-such-program-here"]), 2)
        #expect(unnamed.errnoName == "ENOENT")
        let refused = try failure(CommandSpecification(arguments: [closed]), 3)
        #expect(refused.errnoName == "EACCES")
        let unknown = try failure(CommandSpecification(arguments: [formless]), 4)
        #expect(unknown.errnoName == "ENOEXEC")
        let long = String(repeating: "x", count: 200_000)
        let tooLong = try failure(CommandSpecification(arguments: ["/bin/true", long]), 5)
        #expect(tooLong.errnoName == "E2BIG")
        let noInterpreter = try failure(CommandSpecification(arguments: [orphan]), 6)
        #expect(noInterpreter.description.contains("interpreter"))
        var nowhere = CommandSpecification(arguments: ["/bin/true"])
        nowhere.directory = "/nowhere"
        let folderMissing = try failure(nowhere, 7)
        #expect(folderMissing.description.contains("working directory /nowhere"))
        var nobody = CommandSpecification(arguments: ["/bin/true"])
        nobody.userName = "no-such-user-here"
        let userMissing = try failure(nobody, 8)
        #expect(userMissing.description.contains("no user no-such-user-here"))
        let nul = try failure(CommandSpecification(arguments: ["/bin/true", "a\0b"]), 9)
        #expect(nul.description.contains("NUL"))
        let all = [missing, refused, unknown, tooLong, noInterpreter, folderMissing, userMissing]
        #expect(Set(all.map(\.description)).count == all.count)
    }

    // MARK: Row 45: input and bytes

    @Test func withoutInputAReaderIsAtItsEndAtOnce() throws {
        let result = try RunningHarness(RunningHarness.kinds[0]).run(
            CommandSpecification(arguments: ["cat"]))
        #expect(result.outcome == .exited && result.exitCode == 0)
        #expect(result.standardOutput.bytes == 0)
    }

    @Test(arguments: IOEngine.Choice.allCases)
    func inputIsFedWholeAndEnds(_ choice: IOEngine.Choice) throws {
        let harness = try RunningHarness(RunningHarness.kinds[0], choice)
        var specification = CommandSpecification(arguments: ["sha256sum"])
        specification.takesInput = true
        harness.runner.start(specification, key: 1)
        let piece = [UInt8]((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for number in 0..<8 {
            #expect(harness.runner.input(1, piece, isEnd: number == 7))
        }
        harness.turn(until: { harness.results[1] != nil && harness.runner.isIdle })
        let all = try temporaryFolder() + "/all"
        try Data([UInt8](repeatElement(piece, count: 8).joined())).write(
            to: URL(filePath: all))
        let expected = try harness.run(
            CommandSpecification(arguments: ["sha256sum", all]), key: 2
        ).standardOutput.text
        #expect(harness.results[1]?.standardOutput.text.prefix(64) == expected.prefix(64))
    }

    @Test func aReaderThatDoesNotReadIsEndedWhenTooMuchWaits() throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        var specification = CommandSpecification(arguments: ["sleep", "60"])
        specification.takesInput = true
        harness.runner.start(specification, key: 1)
        let piece = [UInt8](repeating: 1, count: 400_000)
        var taken = 0
        while taken < 10, harness.runner.input(1, piece, isEnd: false) { taken += 1 }
        #expect((2...3).contains(taken))
        harness.turn(until: { harness.results[1] != nil && harness.runner.isIdle })
        #expect(harness.results[1]?.outcome == .cancelled)
    }

    @Test func binaryOutputComesByteForByte() throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        harness.takesChunks = true
        let result = try harness.run(
            CommandSpecification(arguments: ["head", "-c", "100000", "/dev/urandom"]))
        let pieces = harness.chunks[1] ?? []
        var rest = result.standardOutput
        var bytes = pieces.flatMap { $0.data.bytes ?? [] }
        while let (_, data) = rest.takeChunk() { bytes += data.bytes ?? [] }
        #expect(bytes == result.standardOutput.kept)
        #expect(bytes.count == 100_000)
        #expect(pieces.contains { $0.data.encoding == .base64 })
    }

    func shellCommand(_ script: String) -> CommandSpecification {
        CommandSpecification(arguments: ["/bin/sh", "-c", script])
    }

    private func temporaryFolder() throws -> String {
        let path = NSTemporaryDirectory() + "vireo-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        return path
    }

    /// Another process writes it: a child of this one that another test forks meanwhile would hold the
    /// open file up to its exec, and running it would fail with ETXTBSY.
    private func write(_ text: String, to path: String, mode: Int) throws {
        let install = Process()
        install.executableURL = URL(fileURLWithPath: "/usr/bin/install")
        install.arguments = ["-m", String(mode, radix: 8), "/dev/stdin", path]
        let input = Pipe()
        install.standardInput = input
        try install.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        install.waitUntilExit()
        try #require(install.terminationStatus == 0)
    }
}
