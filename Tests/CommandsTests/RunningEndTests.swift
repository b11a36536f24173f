import Commands
import Foundation
import IOEngine
import Kernel
import Testing
import Wire

/// Commands that do not end by themselves, that hold on to what they have, or print without end.
@Suite(.serialized) struct RunningEndTests {
    // MARK: Rows 38 and 39

    @Test(arguments: RunningHarness.kinds)
    func aCommandWithoutEndIsAskedAtItsTimeOut(_ kind: Isolation.Kind) throws {
        let harness = try RunningHarness(kind)
        // Time enough for the shell to set its trap on a machine that does other work.
        let result = try harness.run(
            shell: "trap 'echo asked; exit 7' TERM; while :; do sleep 0.05; done", timeout: 3)
        #expect(result.outcome == .timedOut)
        #expect(result.exitCode == 7)
        #expect(result.standardOutput.text == "asked\n")
    }

    @Test(arguments: RunningHarness.kinds)
    func whatTrapsAndWhatHidesIsGoneThreeSecondsAfterATimeOutOfOne(
        _ kind: Isolation.Kind
    ) throws {
        let seconds = unusualSeconds()
        let script = """
            trap '' TERM
            setsid sh -c "trap '' TERM; sleep \(seconds)" &
            (setsid sh -c "(trap '' TERM; sleep \(seconds)) & exit 0" &)
            echo started
            while :; do sleep \(seconds); done
            """
        let harness = try RunningHarness(kind)
        let start = MonotonicTime.now
        let result = try harness.run(shell: script, timeout: 1)
        #expect(result.outcome == .timedOut)
        #expect(result.signal == SIGKILL)
        #expect(result.standardOutput.text == "started\n")
        #expect(MonotonicTime.now.seconds(since: start) < 4)
        #expect(processes(holding: seconds).isEmpty)
    }

    @Test(arguments: RunningHarness.kinds)
    func whatACommandLeavesBehindEndsWithIt(_ kind: Isolation.Kind) throws {
        let seconds = unusualSeconds()
        let result = try RunningHarness(kind).run(
            shell: "(setsid sleep \(seconds) >/dev/null 2>&1 &) ; sleep 0.2; echo done")
        #expect(result.outcome == .exited && result.exitCode == 0)
        #expect(processes(holding: seconds).isEmpty)
    }

    // MARK: Row 40

    @Test(arguments: RunningHarness.kinds)
    func aGrandchildThatHoldsThePipeDelaysNothing(_ kind: Isolation.Kind) throws {
        let seconds = unusualSeconds()
        let start = MonotonicTime.now
        let result = try RunningHarness(kind).run(
            shell: "setsid sleep \(seconds) & echo done; exit 5")
        #expect(result.outcome == .exited && result.exitCode == 5)
        #expect(result.standardOutput.text == "done\n")
        #expect(MonotonicTime.now.seconds(since: start) < 5)
        #expect(processes(holding: seconds).isEmpty)
    }

    @Test(arguments: RunningHarness.kinds)
    func aCancelledCommandIsGone(_ kind: Isolation.Kind) throws {
        let seconds = unusualSeconds()
        let harness = try RunningHarness(kind)
        harness.takesChunks = true
        var specification = CommandSpecification(
            arguments: ["sh", "-c", "echo ready; sleep \(seconds)"])
        specification.timeoutSeconds = 60
        harness.runner.start(specification, key: 9)
        harness.turn(until: { harness.chunks[9] != nil })
        harness.runner.cancel(9)
        harness.turn(until: { harness.results[9] != nil && harness.runner.isIdle })
        #expect(harness.results[9]?.outcome == .cancelled)
        #expect(processes(holding: seconds).isEmpty)
    }

    // MARK: Row 37

    @Test(arguments: IOEngine.Choice.allCases)
    func fiftyMegabytesAreCappedAndCounted(_ choice: IOEngine.Choice) throws {
        let harness = try RunningHarness(RunningHarness.kinds[0], choice)
        let result = try harness.run(
            CommandSpecification(arguments: ["head", "-c", "50000000", "/dev/zero"]))
        #expect(result.outcome == .exited && result.exitCode == 0)
        #expect(result.standardOutput.bytes == 50_000_000)
        #expect(result.standardOutput.kept.count == RunningLimits.outputBytesMax)
        #expect(result.standardOutput.isTruncated)
        #expect(!result.standardError.isTruncated)
    }

    @Test func hundredsOfCommandsLeaveNothing() throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        let descriptors = openDescriptors()
        for key in 0..<300 { _ = try harness.run(command("true"), key: UInt64(key)) }
        #expect(harness.engine.streamCount == 0)
        // Other tests open some meanwhile, but not one for each of these.
        #expect(openDescriptors() - descriptors < 150)
        if let base = harness.base {
            let groups = try FileManager.default.contentsOfDirectory(atPath: base)
            // The next command's.
            #expect(groups.filter { $0.hasPrefix("command-") } == ["command-1"])
        }
    }

    @Test func fourRunAtATimeAndEachHasItsOwnOutput() throws {
        let harness = try RunningHarness(RunningHarness.kinds[0])
        for key in UInt64(0)..<4 {
            #expect(harness.runner.hasRoom)
            harness.runner.start(
                CommandSpecification(arguments: ["sh", "-c", "sleep 0.3; echo \(key)"]), key: key)
        }
        #expect(!harness.runner.hasRoom)
        harness.turn(until: { harness.results.count == 4 && harness.runner.isIdle })
        for key in UInt64(0)..<4 {
            #expect(harness.results[key]?.standardOutput.text == "\(key)\n")
        }
    }

    // MARK: Row 41

    @Test(.enabled(if: RunningHarness.groupRoot != nil))
    func groupsOfAnEarlierLifeAreEnded() throws {
        let first = try RunningHarness(.cgroup)
        let base = try #require(first.base)
        let seconds = unusualSeconds()
        let group = try ControlGroup(path: base).makeChild("command-77")
        let sleeper = Process()
        sleeper.executableURL = URL(filePath: "/bin/sleep")
        sleeper.arguments = [seconds]
        try sleeper.run()
        try group.write("\(sleeper.processIdentifier)", to: "cgroup.procs")
        let again = Isolation(.below(base))
        sleeper.waitUntilExit()
        #expect(sleeper.terminationReason == .uncaughtSignal)
        again.sweep()
        #expect(!again.hasLeftovers)
    }

    private func command(_ name: String) -> CommandSpecification {
        CommandSpecification(arguments: [name])
    }

    private func openDescriptors() -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
    }
}
