import CLinux
import Foundation
import Glibc
import Testing

/// An agent, a host, and an executor that refuses nothing.
final class CommandScene {
    let scene: Scene
    let agent: Program
    let host: Connection
    let executor: Program
    let epoch: String
    let group: String?

    /// - Parameters:
    ///   - wrapper: a command that ends by becoming the executor.
    ///   - environment: of the agent, beside what every one has.
    init(
        _ engine: Engine, interval: Double = 3600, wrapper: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        scene = try Scene()
        group = Self.makeGroup()
        let command = [
            Products.folder + "/allow-all-executor", scene.path("exec.sock"),
            engine == .uring ? "auto" : "epoll", group.map { "cgroup:\($0)" } ?? "process_group",
        ]
        executor = try scene.start(wrapper + command)
        let socket = scene.path("exec.sock")
        try waitUntil("the executor's socket") { access(socket, F_OK) == 0 }
        (agent, host) = try scene.agentAndHost(
            engine, interval: interval,
            environment: environment.merging(
                ["VIREO_EXEC_SOCKET": socket, "VIREO_LOG_LEVEL": "debug"]) { $1 })
        epoch = try host.acknowledgeGreeting(try host.readGreeting())
        _ = try host.readMessage("metrics")
    }

    func end() {
        scene.end()
        if let group {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: group)) ?? []
            where name.hasPrefix("command-") {
                rmdir("\(group)/\(name)")
            }
            rmdir(group)
        }
    }

    /// A control group of the test's own, where one can be had.
    private static func makeGroup() -> String? {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 2, fields[2] == "cgroup2" else { continue }
            let path = "\(fields[1])/vireo-test-\(UUID().uuidString)"
            return mkdir(path, 0o755) == 0 ? path : nil
        }
        return nil
    }

    /// Sends a command with the members that every one has.
    func send(_ type: String, id: String, _ members: String, epoch: String? = nil) throws {
        let life = epoch ?? self.epoch
        try host.send(#"{"type":"\#(type)","id":"\#(id)","epoch":"\#(life)",\#(members)}"# + "\n")
    }

    func exec(_ arguments: [String], id: String, _ members: String = "") throws {
        let list = try JSONSerialization.data(withJSONObject: arguments)
        let more = members.isEmpty ? "" : "," + members
        try send("Exec", id: id, #""argv":\#(String(decoding: list, as: UTF8.self))\#(more)"#)
    }

    func shell(_ script: String, id: String, _ members: String = "") throws {
        try exec(["/bin/sh", "-c", script], id: id, members)
    }

    /// What a command printed, by stream, and its response.
    struct Answer {
        var output: [String: [UInt8]] = [:]
        var response: Message
        var chunks: [Message] = []

        var text: String { String(decoding: output["stdout"] ?? [], as: UTF8.self) }
    }

    /// Reads up to the response of a command; its chunks must follow each other without a gap.
    func answer(_ id: String, seconds: Double = patienceSeconds) throws -> Answer {
        let limit = monotonicSeconds() + seconds
        var output: [String: [UInt8]] = [:]
        var chunks: [Message] = []
        while true {
            let message = try host.readMessage(seconds: max(0, limit - monotonicSeconds()))
            guard message.text("id") == id else { continue }
            if message.type == "response" {
                return Answer(output: output, response: message, chunks: chunks)
            }
            #expect(message.type == "exec_output")
            chunks.append(message)
            let stream = try #require(message.text("stream"))
            let text = try #require(message.text("data"))
            let bytes =
                message.text("encoding") == "base64"
                ? Array(try #require(Data(base64Encoded: text))) : Array(text.utf8)
            #expect(message.number("offset") == Double(output[stream, default: []].count))
            #expect(bytes.count <= 32_768)
            output[stream, default: []] += bytes
        }
    }
}
