import CLinux
import Commands
import Foundation
import IOEngine
import Kernel
import Testing
import Wire

/// A runner on a loop of its own, and what it said.
final class RunningHarness: CommandRunnerOwner {
    let engine: IOEngine
    let runner: CommandRunner
    let base: String?
    private(set) var results: [UInt64: CommandResult] = [:]
    private(set) var chunks: [UInt64: [ExecOutput]] = [:]
    var takesChunks = false

    /// - Parameters:
    ///   - kind: a group of the test's own below the root, or no groups.
    ///   - usesZygotes: whether zygotes start all but the first command.
    init(
        _ kind: Isolation.Kind, _ choice: IOEngine.Choice = .automatic, usesZygotes: Bool = false
    ) throws {
        engine = try IOEngine(choice, streamsMax: 64)
        if kind == .cgroup {
            let path = "\(try #require(Self.groupRoot))/vireo-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
            base = path
            runner = CommandRunner(
                engine: engine, isolation: Isolation(.below(path), usesZygotes: usesZygotes),
                firstTimer: TimerKey(0))
        } else {
            base = nil
            runner = CommandRunner(
                engine: engine, isolation: Isolation(.processGroup), firstTimer: TimerKey(0))
        }
        runner.owner = self
        #expect(runner.isolation.kind == kind, "\(runner.isolation.reason ?? "")")
    }

    deinit {
        if let base { rmdir(base) }
    }

    /// Where groups may be made here: the mount of cgroup2, for the superuser.
    static let groupRoot: String? = {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count > 2, fields[2] == "cgroup2" else { continue }
            return access(fields[1], W_OK) == 0 ? fields[1] : nil
        }
        return nil
    }()

    /// The kinds that can be had on this machine.
    static var kinds: [Isolation.Kind] {
        groupRoot == nil ? [.processGroup] : [.cgroup, .processGroup]
    }

    func commandPrinted(_ key: UInt64) {
        guard takesChunks else { return }
        while let (stream, offset, data) = runner.takeChunk(key) {
            chunks[key, default: []].append(
                ExecOutput(id: "\(key)", stream: stream, offset: offset, data: data))
        }
    }

    func commandEnded(_ key: UInt64, _ result: CommandResult) {
        #expect(results[key] == nil || key == .max, "answered twice")
        results[key] = result
    }

    func commandSlotFreed() {}

    /// Turns until `condition` holds, and fails after `seconds`.
    func turn(
        for seconds: Double = 20, until condition: () -> Bool,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let limit = MonotonicTime.now.adding(nanoseconds: UInt64(seconds * 1e9))
        while !condition() {
            guard MonotonicTime.now < limit else {
                Issue.record("nothing came of it in \(seconds) s", sourceLocation: location)
                // What the kernel still writes into stays, or all the other tests would go with it.
                if !runner.isIdle { _ = Unmanaged.passRetained(self) }
                return
            }
            engine.turn(until: limit) { completion in
                if runner.handle(completion) != nil { Issue.record("nobody's completion") }
            }
        }
    }

    /// Runs one command to its end and until nothing of it is left to be put away.
    func run(
        _ specification: CommandSpecification, key: UInt64 = 1,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> CommandResult {
        runner.start(specification, key: key)
        turn(until: { results[key] != nil && runner.isIdle }, location)
        return try #require(results[key], sourceLocation: location)
    }

    func run(shell script: String, timeout: Double = 10) throws -> CommandResult {
        var specification = CommandSpecification(arguments: ["/bin/sh", "-c", script])
        specification.timeoutSeconds = timeout
        return try run(specification)
    }
}

/// A number of seconds that no other process here sleeps: what is left is found by it.
func unusualSeconds() -> String { "98\(Int.random(in: 100_000...999_999))" }

/// Live processes whose command line holds `text`.
func processes(holding text: String) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { pid in
        let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        return pid != getpid() && line?.contains(text) ?? false
    }
}

extension CapturedStream {
    var text: String { String(decoding: kept, as: UTF8.self) }
}
