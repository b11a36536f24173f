import CLinux
import Commands
import Foundation
import Kernel
import Testing
import Wire

/// Commands that a process started which stands in their group, as where clone3(2) is refused.
@Suite(.serialized, .enabled(if: RunningHarness.groupRoot != nil)) struct RunningZygoteTests {
    @Test func commandsOneAfterTheOtherAreStartedByOneZygote() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        for key in UInt64(10)..<60 {
            let result = try harness.run(shell("echo \(key); cat /proc/self/cgroup"), key: key)
            #expect(result.standardOutput.text.hasPrefix("\(key)\n"))
            #expect(result.standardOutput.text.contains("/command-1\n"))
            #expect(result.isolation == .cgroup)
            #expect(try harness.members() == [zygote])
        }
    }

    @Test func whatItStartsIsThisProcessesChildWithAClearedState() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        _ = try harness.warm()
        let script = """
            echo $PPID; umask; pwd; cut -d' ' -f6 /proc/$$/stat; echo $$
            cat /proc/self/status | grep -E '^(SigPnd|SigBlk|SigIgn|SigCgt|NoNewPrivs)' | cut -f2
            """
        let lines = try harness.run(shell(script)).standardOutput.text.split(separator: "\n")
        let none = "0000000000000000"
        try #require(lines.count == 10)
        #expect(lines[0] == "\(getpid())")
        #expect(lines[1] == "0077" && lines[2] == "/")
        #expect(lines[3] == lines[4])
        #expect(lines[5...].map(String.init) == [none, none, none, none, "1"])
        let descriptors = try harness.run(
            CommandSpecification(arguments: ["ls", "/proc/self/fd"]), key: 2)
        #expect(descriptors.standardOutput.text == "0\n1\n2\n3\n")
    }

    @Test func itBecomesAnotherUserWithAllItsGroups() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        var command = shell("id -un; grep -E '^(Uid|Gid|Groups)' /proc/self/status")
        command.userName = "nobody"
        command.directory = "/usr"
        let text = try harness.run(command).standardOutput.text
        #expect(text.hasPrefix("nobody\n"))
        #expect(text.contains("Uid:\t65534\t65534\t65534\t65534"))
        #expect(!text.contains("Groups:\t0"))
        #expect(try harness.run(shell("id -u; pwd"), key: 2).standardOutput.text == "0\n/\n")
        #expect(try harness.members() == [zygote])
    }

    @Test func aCommandThatCannotStartSaysWhy() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        for key in UInt64(0)..<3 {
            let command = CommandSpecification(arguments: ["/nowhere/program"])
            let result = try harness.run(command, key: key)
            #expect(result.outcome == .failedToStart)
            #expect(result.failure?.errnoName == "ENOENT")
        }
        #expect(try harness.members() == [zygote])
    }

    @Test func textsWithoutRoomAreStartedWithoutIt() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        _ = try harness.warm()
        // 50,000 texts of a byte: below the bound of what is copied, but not their addresses.
        let many = [String](repeating: "x", count: 50_000)
        let result = try harness.run(
            CommandSpecification(arguments: ["/bin/sh", "-c", "echo $#", "sh"] + many))
        #expect(result.standardOutput.text == "50000\n")
    }

    @Test(arguments: ["sleep", "setsid sleep", "(setsid sleep"])
    func whoeverIsLeftIsKilledAndTheZygoteWithIt(_ start: String) throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        let seconds = unusualSeconds()
        let end = start.hasPrefix("(") ? " &) &" : " &"
        let result = try harness.run(shell("\(start) \(seconds)\(end) echo done"))
        #expect(result.exitCode == 0 && result.standardOutput.text == "done\n")
        #expect(processes(holding: seconds).isEmpty)
        #expect(kill(zygote, 0) == -1 && errno == ESRCH)
        let next = try harness.run(shell("echo next"), key: 2)
        #expect(next.standardOutput.text == "next\n")
    }

    @Test func aTimeOutTakesTheZygoteAlong() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        let seconds = unusualSeconds()
        var command = shell("trap '' TERM; setsid sleep \(seconds) & wait; wait")
        command.timeoutSeconds = 0.3
        command.graceMilliseconds = 100
        let result = try harness.run(command)
        #expect(result.outcome == .timedOut)
        #expect(processes(holding: seconds).isEmpty)
        #expect(kill(zygote, 0) == -1 && errno == ESRCH)
        #expect(try harness.run(shell("echo next"), key: 2).standardOutput.text == "next\n")
    }

    @Test func oneThatWasKilledIsReplaced() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        kill(zygote, SIGKILL)
        // Before the kernel has ended it, a command may be refused; then none is.
        _ = try harness.run(shell("true"))
        let next = try harness.run(shell("echo next"), key: 2)
        #expect(next.standardOutput.text == "next\n")
        #expect(try harness.warm() != zygote)
    }

    @Test func oneThatDoesNotAnswerCostsOneCommand() throws {
        let harness = try RunningHarness(.cgroup, usesZygotes: true)
        let zygote = try harness.warm()
        kill(zygote, SIGSTOP)
        let mark = "/tmp/vireo-zygote-\(UUID().uuidString)"
        let result = try harness.run(CommandSpecification(arguments: ["/bin/touch", mark]))
        #expect(result.outcome == .failedToStart)
        #expect(result.failure?.description.contains("try again") ?? false)
        #expect(!FileManager.default.fileExists(atPath: mark))
        #expect(kill(zygote, 0) == -1 && errno == ESRCH)
        #expect(try harness.run(shell("echo next"), key: 2).standardOutput.text == "next\n")
    }

    @Test func hundredsOfThemAtATimeLeaveNothing() throws {
        var zygotes: [Int32] = []
        do {
            let harness = try RunningHarness(.cgroup, usesZygotes: true)
            _ = try harness.warm()
            for round in UInt64(0)..<50 {
                let keys = (round * 4)..<(round * 4 + 4)
                for key in keys { harness.runner.start(shell("echo \(key)"), key: key) }
                harness.turn(until: { keys.allSatisfy { harness.results[$0] != nil } })
                harness.turn(until: { harness.runner.isIdle })
                for key in keys {
                    #expect(harness.results[key]?.standardOutput.text == "\(key)\n")
                }
            }
            zygotes = try harness.members()
            #expect(zygotes.count == 4)
            #expect(harness.engine.streamCount == 0)
        }
        for zygote in zygotes { #expect(kill(zygote, 0) == -1 && errno == ESRCH) }
    }

    private func shell(_ script: String) -> CommandSpecification {
        CommandSpecification(arguments: ["/bin/sh", "-c", script])
    }
}

extension RunningHarness {
    /// Processes in groups of commands.
    func members() throws -> [Int32] {
        let base = try #require(base)
        let groups = try FileManager.default.contentsOfDirectory(atPath: base)
        return try groups.filter { $0.hasPrefix("command-") }.flatMap { name in
            try ControlGroup(path: "\(base)/\(name)").read("cgroup.procs")
                .split(separator: "\n").compactMap { Int32($0) }
        }
    }

    /// Runs a command, so that a zygote is started, and waits until that stands in its group.
    func warm() throws -> Int32 {
        _ = try run(CommandSpecification(arguments: ["/bin/true"]), key: .max)
        for _ in 0..<1000 {
            if let zygote = try members().first { return zygote }
            usleep(5000)
        }
        throw Errno.timedOut
    }
}
