import Foundation
import TestSupport
import Testing

/// No copy of the size of a frame is made on the way from the socket to the message.
@Suite(.ownThread) struct CopyTests {
    private static let frameBytes = 1_048_576
    private static let frames = 20
    private static let fixture = "\(Products.fixtures)/interpose-copies"

    /// What the interposer wrote down.
    private struct Copies {
        let largestBytes: Int
        let calls: Int
        let caller: String
    }

    @Test(arguments: Engine.allCases)
    func framesOfTheLargestSizeAreNotCopied(_ engine: Engine) throws {
        let scene = try Scene()
        defer { scene.end() }
        let copies = try run(engine, scene) { host in
            var random = SeededRandom()
            var bytes: [UInt8] = []
            for _ in 0..<Self.frames { bytes += Self.frame }
            // Pieces of no round size, so that frames begin and end everywhere, and cross the seam
            // of the 2 MiB ring ten times.
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...60_000, using: &random))
                try host.send(Array(bytes[start..<end]))
                start = end
            }
        }
        #expect(copies.largestBytes < 65_536, "\(copies.largestBytes) bytes by \(copies.caller)")
        #expect(copies.calls > 100, "the interposer saw nothing")
    }

    /// The interposer is no witness if it sees no copy where there is one.
    @Test func aCopyIsSeen() throws {
        let scene = try Scene()
        defer { scene.end() }
        let library = try interposer(scene)
        let copier = scene.path("copier")
        try compile(scene, ["-o", copier, "\(Self.fixture)/copier.c"])
        let file = scene.path("copies")
        let program = try scene.start(
            [copier], environment: ["LD_PRELOAD": library, "VIREO_COPIES": file])
        #expect(try program.waitForEnd() == .exited(0))
        #expect(try read(file).largestBytes == 300_000)
    }

    /// A request of exactly the largest size. Its many members keep strings short: simdjson writes
    /// each string once, unescaped, to a place of its own, and that is the parser's work, not a
    /// copy of the frame.
    private static let frame: [UInt8] = {
        var text = "{\"type\":\"Metrics\""
        var number = 0
        while text.utf8.count < frameBytes - 200 {
            number += 1
            text += ",\"member\(number)\":\"\(String(repeating: "x", count: 100))\""
        }
        let end = ",\"padding\":\""
        let padding = frameBytes - text.utf8.count - end.utf8.count - 3
        text += end + String(repeating: "x", count: padding) + "\"}\n"
        precondition(text.utf8.count == frameBytes)
        return Array(text.utf8)
    }()

    /// Runs an agent with the interposer in it, and gives what that saw up to the agent's end.
    private func run(
        _ engine: Engine, _ scene: Scene, _ body: (Connection) throws -> Void
    ) throws -> Copies {
        let file = scene.path("copies")
        let (agent, host) = try scene.agentAndHost(
            engine, environment: ["LD_PRELOAD": try interposer(scene), "VIREO_COPIES": file])
        try host.readGreetingAndSample()
        try body(host)
        let before = try host.exchangeKeepAlive(1, seconds: 20)
        #expect(before.allSatisfy { $0.type == "metrics" }, "each frame was a request")
        try host.send("{\"type\":\"Metrics\"}\n")
        let received = try host.readMessage("metrics").number("data.agent.frames_received")
        #expect(try #require(received) >= Double(Self.frames))
        agent.signal(SIGTERM)
        #expect(try agent.waitForEnd() == .exited(0))
        return try read(file)
    }

    private func interposer(_ scene: Scene) throws -> String {
        let library = scene.path("interpose.so")
        let source = "\(Self.fixture)/interpose.c"
        try compile(scene, ["-shared", "-fPIC", "-o", library, source, "-ldl"])
        return library
    }

    private func compile(_ scene: Scene, _ arguments: [String]) throws {
        let compiler = try scene.start(["gcc", "-O2", "-Wall", "-Werror"] + arguments)
        let ending = try compiler.waitForEnd(seconds: 30)
        try #require(ending == .exited(0), "\(compiler.errorText)")
    }

    private func read(_ file: String) throws -> Copies {
        let fields = try String(contentsOfFile: file, encoding: .utf8).split(separator: " ")
        try #require(fields.count == 4)
        return Copies(
            largestBytes: try #require(Int(fields[0])), calls: try #require(Int(fields[1])),
            caller: fields[2...].joined(separator: " "))
    }
}
