import Foundation
import Kernel
import Synchronization
import Testing
import Wire

@testable import Commands

@Suite struct ActionProcessTests {
    @Test func theFirstProcessAndTheAgentsOwnAreRefused() {
        let catalog = ActionCatalog(machine: fakeMachine(ownPIDs: [77, 78]))
        for pid in [1, 77, 78] as [Int64] {
            #expect(catalog.refusal("ProcessKill", ["pid": .integer(pid)]) == .permissionDenied)
        }
    }

    @Test func signalsHaveNames() throws {
        let sent = Mutex<[Int32]>([])
        let machine = fakeMachine(signal: { _, signal, _ throws(ActionFailure) in
            sent.withLock { $0.append(signal) }
        })
        let catalog = ActionCatalog(machine: machine)
        let pid: ActionValue = .integer(5)
        _ = try catalog.answer("ProcessKill", ["pid": pid])
        _ = try catalog.answer("ProcessKill", ["pid": pid, "force": .truth(true)])
        _ = try catalog.answer("ProcessKill", ["pid": pid, "signal": .text("sighup")])
        let answer = try catalog.answer("ProcessKill", ["pid": pid, "signal": .text("USR1")])
        #expect(sent.withLock { $0 } == [15, 9, 1, 10])
        #expect(answer.commandType == "ProcessKill")
        #expect(try data(answer)["signal"] as? String == "SIGUSR1")
    }

    /// A real child: a start time that is not its own spares it.
    @Test func aProcessIsSignalledOnlyIfItIsTheOneMeant() throws {
        let catalog = ActionCatalog(machine: .live())
        let child = Process()
        child.executableURL = URL(filePath: "/bin/sleep")
        child.arguments = ["600"]
        try child.run()
        defer { child.terminate() }
        let pid = ActionValue.integer(Int64(child.processIdentifier))
        let listed = try rows(catalog.answer("ProcessList", ["limit": .integer(0)]), "processes")
        let row = try #require(
            listed.first { $0["pid"] as? Int == Int(child.processIdentifier) })
        let started = try #require(row["start_time"] as? String)
        #expect(throws: ActionFailure.self) {
            try catalog.answer(
                "ProcessKill",
                [
                    "pid": pid, "start_time": .text("2001-01-01T00:00:00.000Z"),
                    "force": .truth(true),
                ])
        }
        #expect(child.isRunning)
        _ = try catalog.answer(
            "ProcessKill", ["pid": pid, "start_time": .text(started), "force": .truth(true)])
        child.waitUntilExit()
        #expect(child.terminationReason == .uncaughtSignal && child.terminationStatus == 9)
        #expect(throws: ActionFailure.self) { try catalog.answer("ProcessKill", ["pid": pid]) }
    }

    @Test func thisMachineIsDescribed() throws {
        let catalog = ActionCatalog(machine: .live())
        #expect(try data(try catalog.answer("SystemInfo"))["kernel_version"] as? String != "")
        #expect(try data(try catalog.answer("RunAllHealthChecks"))["checks_run"] as? Int == 8)
        let own = try rows(catalog.answer("ProcessList", ["limit": .integer(0)]), "processes")
        #expect(own.contains { $0["pid"] as? Int == Int(ProcessHandle.ownPIDs[0]) })
    }
}
