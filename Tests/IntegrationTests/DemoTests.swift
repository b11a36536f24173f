import Foundation
import Testing

/// `vireo demo`, and the commands that look at this machine.
@Suite(.ownThread) struct DemoTests {
    @Test func theDemoPrintsRowsIntoAPipeAndLeavesNothingBehind() throws {
        let scene = try Scene()
        defer { scene.end() }
        let demo = try scene.start([Products.vireo, "demo", "--seconds", "3"])
        var agents: [Int32] = []
        try waitUntil("the demo's agent") {
            agents = try demo.children()
            return !agents.isEmpty
        }
        #expect(try demo.waitForEnd(seconds: 6) == .exited(0))
        let lines = demo.outputLines
        let titles = try #require(lines.first)
        #expect(titles.hasPrefix("time ") && titles.contains("cpu%"))
        #expect((2...5).contains(lines.count - 1), "one row a second: \(demo.outputText)")
        let columns = titles.split(separator: " ").count
        for row in lines.dropFirst() {
            #expect(row.split(separator: " ").count == columns, "\(row)")
            #expect(row.prefixMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /#) != nil)
        }
        #expect(demo.errorText == "")
        #expect(agents.allSatisfy { !isRunning($0) })
    }

    /// Also by a signal that it cannot see coming.
    @Test(arguments: [SIGTERM, SIGINT, SIGKILL])
    func theDemoTakesItsAgentWithIt(_ signal: Int32) throws {
        let scene = try Scene()
        defer { scene.end() }
        let demo = try startFastDemo(scene)
        let agents = try demo.children()
        #expect(agents.count == 1)
        demo.signal(signal)
        #expect(try demo.waitForEnd() == (signal == SIGKILL ? .killed(signal) : .exited(0)))
        try waitUntil("the agent's end") { agents.allSatisfy { !isRunning($0) } }
    }

    /// As in `vireo demo | head -n 3`.
    @Test func theDemoEndsWhenNobodyReadsItAnyMore() throws {
        let scene = try Scene()
        defer { scene.end() }
        let demo = try startFastDemo(scene)
        let agents = try demo.children()
        demo.closeOutput()
        try demo.waitForEnd()
        #expect(agents.allSatisfy { !isRunning($0) })
    }

    /// A demo whose first row has come.
    private func startFastDemo(_ scene: Scene) throws -> Program {
        let demo = try scene.start([Products.vireo, "demo", "--interval", "0.1"])
        try waitUntil("a row") { demo.outputLines.count >= 2 }
        return demo
    }

    @Test func theSampleIsTheMessageThatAnAgentWouldSend() throws {
        let scene = try Scene()
        defer { scene.end() }
        let program = try scene.start([Products.vireo, "sample", "--json"])
        #expect(try program.waitForEnd() == .exited(0))
        let sample = try Message(program.outputText)
        #expect(program.outputLines.count == 1 && program.outputText.hasSuffix("\n"))
        #expect(sample.type == "metrics")
        let memory = try String(contentsOfFile: "/proc/meminfo", encoding: .utf8)
        let total = try #require(memory.firstMatch(of: /MemTotal: +(\d+) kB/)?.output.1)
        #expect(sample.number("data.system.memory.total_kb") == Double(total))
        let usage = try #require(sample.number("data.system.cpu.usage_percent"))
        #expect((0...100).contains(usage))
        let disks = try #require(sample.list("data.system.disk.usage_stats"))
        #expect(!disks.isEmpty)
        let processes = try #require(sample.list("data.processes") as? [[String: Any]])
        #expect(processes.allSatisfy { ($0["pid"] as? Int ?? 0) > 0 && $0["name"] is String })
        #expect(!processes.isEmpty)
    }

    @Test func theSampleForPeopleHasNoEscapesInAPipe() throws {
        let scene = try Scene()
        defer { scene.end() }
        let program = try scene.start([Products.vireo, "sample"])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(program.outputText.contains("CPU") || program.outputText.contains("cpu"))
        #expect(program.outputBytes.allSatisfy { $0 >= 0x20 || $0 == 0x0a })
    }

    @Test func thePortsOfThisMachineAreListedWithoutOpeningAny() throws {
        let scene = try Scene()
        defer { scene.end() }
        let folder = "/sys/class/virtio-ports"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let json = try scene.start([Products.vireo, "ports", "--json"])
        #expect(try json.waitForEnd() == .exited(0))
        let value = try JSONSerialization.jsonObject(with: Data(json.outputBytes))
        let rows = try #require(value as? [[String: Any]])
        #expect(rows.count == names.count)
        #expect(rows.allSatisfy { $0["path"] is String })
        let plain = try scene.start([Products.vireo, "ports"])
        #expect(try plain.waitForEnd() == .exited(0))
        #expect(plain.outputText.contains(rows.isEmpty ? "No virtio port" : "NODE"))
    }

    private static let misuses: [[String]] = [
        [Products.vireo, "--nonsense"], [Products.vireo, "demo", "--nonsense"],
        [Products.vireo, "nonsense"], [Products.vireo, "host", "watch"],
        [Products.vireo, "host", "watch", "--seconds", "-1", "x"],
        [Products.vireo, "host", "watch", "--listen", "x", "y"],
        [Products.vireod, "--nonsense"], [Products.vireod, "--engine", "kqueue"],
        [Products.vireod, "--interval", "0"], [Products.vireod, "--interval", "nan"],
        [Products.vireod, "--device", "nonsense"], [Products.vireod, "--name", "no such name"],
        [Products.vireod, "--device", "unix:/nonexistent/x", "--vm-id", ""],
    ]

    @Test(arguments: misuses)
    func misuseEndsWith64AndSaysWhatIsWrong(_ command: [String]) throws {
        let scene = try Scene()
        defer { scene.end() }
        let program = try scene.start(command)
        #expect(try program.waitForEnd() == .exited(64), "\(program.errorText)")
        #expect(!program.errorText.isEmpty)
    }
}
