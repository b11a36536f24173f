import Foundation
import Probes
import Testing
import Wire

@testable import Commands

/// A machine on which just these programs are installed, all in /usr/bin, and these files exist.
func fakeMachine(
    _ programs: [String] = [], files: [String: String] = [:], bytes: [String: [UInt8]] = [:],
    folders: [String: [String]] = [:], sample: MetricsSample = MetricsSample(),
    ownPIDs: [Int32] = [4242, 4200],
    signal: @escaping @Sendable (Int32, Int32, Int64?) throws(ActionFailure) -> Void = {
        _, _, _ throws(ActionFailure) in
        Issue.record("a process was signalled")
    }
) -> ActionMachine {
    ActionMachine(
        find: { programs.contains($0) ? "/usr/bin/\($0)" : nil },
        exists: { files[$0] != nil || bytes[$0] != nil },
        read: { path, bytesMax in
            (bytes[path] ?? files[path].map { Array($0.utf8) }).map { Array($0.suffix(bytesMax)) }
        },
        names: { folders[$0] ?? [] }, sample: { sample },
        // 2026-11-24T12:00:00Z
        wallMilliseconds: { 1_795_521_600_000 }, signal: signal, ownPIDs: ownPIDs,
        freezer: FileSystemFreezer(program: "/nonexistent/vireo-freeze"))
}

let debian = ["apt-get", "apt-cache", "dpkg-query", "dpkg", "systemctl", "systemd-run", "getent"]

extension ActionCatalog {
    func plan(_ action: String, _ values: [String: ActionValue] = [:]) throws -> ActionPlan {
        try plan(action, parameters: ActionParameters(values))
    }

    /// The argument vectors that an action comes to; fails when it comes to none.
    func arguments(_ action: String, _ values: [String: ActionValue] = [:]) throws -> [[String]] {
        guard case .run(let commands, _) = try plan(action, values) else {
            Issue.record("\(action) runs nothing")
            return []
        }
        return commands.map(\.arguments)
    }

    /// The answer to what the commands printed, or what it computes.
    func answer(
        _ action: String, _ values: [String: ActionValue] = [:], _ outputs: [CommandOutput] = []
    ) throws -> ActionAnswer {
        switch try plan(action, values) {
        case .compute(let body): return try body()
        case .run(_, let finish): return try finish(outputs)
        }
    }

    /// Why an action is not planned; fails when it is.
    func refusal(_ action: String, _ values: [String: ActionValue] = [:]) -> ErrorCode? {
        do throws(ActionFailure) {
            _ = try plan(action, parameters: ActionParameters(values))
            return nil
        } catch {
            return error.code
        }
    }
}

func fixture(_ name: String) throws -> String {
    let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/commands/\(name)")
    return try String(contentsOf: url, encoding: .utf8)
}

func printed(_ text: String, exitCode: Int32 = 0, errors: String = "") -> CommandOutput {
    CommandOutput(
        outcome: .exited, exitCode: exitCode, standardOutput: Array(text.utf8),
        standardError: Array(errors.utf8))
}

func printed(fixture name: String, exitCode: Int32 = 0) throws -> CommandOutput {
    printed(try fixture(name), exitCode: exitCode)
}

/// The object in an answer's `data`.
func data(_ answer: ActionAnswer) throws -> [String: Any] {
    let json = try #require(answer.dataJSON)
    let value = try JSONSerialization.jsonObject(with: Data(json.utf8))
    return try #require(value as? [String: Any])
}

func rows(_ answer: ActionAnswer, _ name: String) throws -> [[String: Any]] {
    try #require(try data(answer)[name] as? [[String: Any]])
}

/// What a response of that answer takes as a frame, by Wire's own writer.
func frameBytes(_ answer: ActionAnswer) -> Int? {
    var response = CommandResponse(
        id: String(repeating: "i", count: WireLimits.identifierBytesMax), success: answer.success,
        commandType: answer.commandType, wallMilliseconds: 0)
    response.stdout = answer.standardOutput
    response.stderr = answer.standardError
    response.dataJSON = answer.dataJSON
    return JSONText.written(bytesMax: WireLimits.frameBytesMax) { writer in
        writer.beginObject()
        response.encodeMembers(into: &writer)
        writer.endObject()
        writer.newline()
    }?.utf8.count
}

func request(_ json: String, own: Bool = false) throws -> ActionRequest {
    var parser = try JSONParser()
    let bytes = Array(json.utf8)
    try parser.parse(RawSpan(_elements: bytes.span))
    return own
        ? try ActionRequest(ownCommand: parser.root) : try ActionRequest(safeCommand: parser.root)
}
