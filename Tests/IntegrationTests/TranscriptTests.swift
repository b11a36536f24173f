import Foundation
import Testing

/// The kept dialogues with the real agent on the other side.
@Suite(.ownThread) struct TranscriptTests {
    @Test(arguments: Transcript.names)
    func theAgentSaysWhatTheTranscriptSays(name: String) throws {
        let scene = try Scene()
        defer { scene.end() }
        let listener = try Listener(scene.path("host.sock"))
        let agent = try scene.startAgent("auto")
        var transcript = try Transcript(named: name)
        try transcript.replay(to: listener) { scene.keep($0) }
        #expect(agent.ended() == nil)
        try Self.checkSchemas(transcript.said, scene)
    }

    @Test func thereAreTranscripts() {
        #expect(Transcript.names.count >= 10)
    }

    /// What the agent really said, by the schema files.
    private static func checkSchemas(_ lines: [[UInt8]], _ scene: Scene) throws {
        let tests = URL(filePath: Products.fixtures).deletingLastPathComponent()
        let input = scene.path("said")
        let text = lines.map { "guest\t\(String(decoding: $0, as: UTF8.self))\n" }.joined()
        try text.write(toFile: input, atomically: true, encoding: .utf8)
        let file = open(input, O_RDONLY)
        guard file >= 0 else { throw Failure("opening \(input)") }
        defer { close(file) }
        let checker = try scene.start(
            [
                "/usr/bin/python3", tests.appending(path: "WireTests/check_schema.py").path,
                tests.deletingLastPathComponent().appending(path: "Sources/Wire/Schema").path,
            ],
            standardInput: file)
        #expect(try checker.waitForEnd(seconds: 30) == .exited(0), "\(checker.errorText)")
        #expect(checker.outputLines == [])
        #expect(checker.outputBytes.count == lines.count, "an empty line for each message")
    }
}
