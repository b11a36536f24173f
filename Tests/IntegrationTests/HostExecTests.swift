import Foundation
import Glibc
import Testing

/// `vireo host exec`, through the control socket of a watch, with the programs as they are
/// installed.
@Suite(.serialized) struct HostExecTests {
    /// A watch that listens, an agent with a policy, and a folder that is nobody else's.
    private struct Setting {
        let scene: Scene
        let agent: Program
        let watch: Program
        let folder: String
        let environment: [String: String]

        init(policy: String?, keys: String = "") throws {
            scene = try Scene()
            folder = NSHomeDirectory() + "/vireo-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            environment = ["XDG_RUNTIME_DIR": folder]
            var flags: [String] = []
            if let policy {
                var text = policy
                if !policy.contains("\n") {
                    let printed = try scene.start([
                        Products.vireo, "config", "sample", "--policy", policy,
                    ])
                    #expect(try printed.waitForEnd() == .exited(0))
                    text = printed.outputText
                }
                try text.write(
                    toFile: folder + "/policy.yaml", atomically: false, encoding: .utf8)
                flags = ["--policy", folder + "/policy.yaml"]
            }
            let socket = folder + "/host.sock"
            watch = try scene.start(
                [
                    "/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/null", Products.vireo, "host",
                    "watch", "--listen", socket, "--state", folder + "/state", "--json",
                ], environment: environment)
            try waitUntil("the watch") { access(socket, F_OK) == 0 }
            agent = try scene.start(
                [Products.vireod, "--device", "unix:\(socket)", "--interval", "3600"] + flags)
            let rows = folder + "/state"
            try waitUntil("the first row") {
                let files = FileManager.default.enumerator(atPath: rows)?.allObjects as? [String]
                return (files ?? []).contains { $0.hasSuffix(".jsonl") }
            }
        }

        func end() {
            scene.end()
            try? FileManager.default.removeItem(atPath: folder)
        }

        func start(
            _ flags: [String], _ command: [String], input: Int32? = nil,
            output: Program.Output = .pipe
        ) throws -> Program {
            try scene.start(
                [Products.vireo, "host", "exec"] + flags + [folder + "/host.sock", "--"] + command,
                environment: environment, standardInput: input, output: output)
        }

        func run(_ command: [String], flags: [String] = []) throws -> (Int32, Program) {
            let program = try start(["-n"] + flags, command)
            guard case .exited(let status) = try program.waitForEnd(seconds: 20) else {
                return (-1, program)
            }
            return (status, program)
        }
    }

    @Test func theCommandsOwnStatusAndOutputComeBack() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let (status, program) = try setting.run(
            ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(status == 7)
        #expect(program.outputText == "out\n" && program.errorText == "err\n")
        #expect(try setting.run(["/bin/sh", "-c", "kill -9 $$"]).0 == 137)
        let (late, said) = try setting.run(["/bin/sleep", "60"], flags: ["--timeout", "1"])
        #expect(late == 124 && said.errorText.contains("timed out"))
        #expect(try setting.run(["/nonexistent/program"]).0 == 127)
    }

    @Test func moreInputThanTheRuleAllowsEndsTheCommand() throws {
        let setting = try Setting(
            policy: "raw_commands:\n  input: true\n  limits: {input_bytes: 100000}\n")
        defer { setting.end() }
        for (count, isWithin) in [(100_000, true), (100_001, false)] {
            let file = setting.folder + "/input-\(count)"
            try Data(repeating: 0x78, count: count).write(to: URL(filePath: file))
            let input = open(file, O_RDONLY)
            defer { close(input) }
            let program = try setting.start([], ["/usr/bin/wc", "-c"], input: input)
            let end = try program.waitForEnd()
            #expect((end == .exited(0)) == isWithin, "\(count): \(end)")
            #expect(program.errorText.contains("input_bytes") != isWithin, "\(program.errorText)")
        }
    }

    @Test func everyByteOfInputAndOutputIsKept() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let file = setting.folder + "/input"
        var bytes = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
        bytes.append(contentsOf: [0, 0xff, 0xfe])
        try bytes.write(to: URL(filePath: file))
        let input = open(file, O_RDONLY)
        defer { close(input) }
        let program = try setting.start([], ["/usr/bin/sha256sum"], input: input)
        #expect(try program.waitForEnd(seconds: 20) == .exited(0))
        let own = try setting.scene.start(["/usr/bin/sha256sum", file])
        _ = try own.waitForEnd()
        #expect(program.outputText.prefix(64) == own.outputText.prefix(64))
    }

    @Test func whatWouldActOnATerminalIsMadeVisibleThere() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let program = try setting.start(
            ["-n"], ["/usr/bin/printf", "a\\033[2Jb\\tc\\n"],
            output: .terminal(columns: 80, rows: 24))
        #expect(try program.waitForEnd(seconds: 20) == .exited(0))
        let shown = program.outputText
        #expect(!shown.contains("\u{1b}") && shown.contains("[2Jb\tc"), "\(shown.debugDescription)")
    }

    @Test func manyAtOnceGetTheirOwnAnswers() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let programs = try (0..<12).map { number in
            try setting.start(["-n"], ["/bin/sh", "-c", "sleep 0.1; echo \(number)"])
        }
        for (number, program) in programs.enumerated() {
            #expect(try program.waitForEnd(seconds: 30) == .exited(0))
            #expect(program.outputText == "\(number)\n")
        }
    }

    @Test func controlCCancelsTheCommand() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let mark = setting.folder + "/mark"
        let program = try setting.start(["-n"], ["/bin/sh", "-c", "touch \(mark); sleep 60"])
        try waitUntil("its start") { access(mark, F_OK) == 0 }
        program.signal(SIGINT)
        #expect(try program.waitForEnd(seconds: patienceSeconds) == .exited(130))
    }

    @Test func byDefaultNothingRuns() throws {
        let setting = try Setting(policy: nil)
        defer { setting.end() }
        let (status, program) = try setting.run(["/bin/true"])
        #expect(status == 126 && program.errorText.contains("refused"))
    }

    @Test func anAgentThatDiesLeavesTheOutcomeUnknown() throws {
        let setting = try Setting(policy: "allow-all")
        defer { setting.end() }
        let mark = setting.folder + "/mark"
        let program = try setting.start(["-n"], ["/bin/sh", "-c", "touch \(mark); sleep 60"])
        try waitUntil("its start") { access(mark, F_OK) == 0 }
        setting.agent.kill()
        #expect(try program.waitForEnd(seconds: patienceSeconds) == .exited(125))
    }

    @Test func signedCommandsRunAndOthersAreRefusedWhereThePolicySaysSo() throws {
        let scene = try Scene()
        defer { scene.end() }
        let folder = NSHomeDirectory() + "/vireo-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try scene.start([
            Products.vireo, "config", "key", "--id", "ops-1", folder + "/ops-1.key",
        ])
        #expect(try made.waitForEnd() == .exited(0), "\(made.errorText)")
        // What it prints is what the policy needs of the key.
        let policy = """
            require_signature: all
            actions: all
            raw_commands: {shells: [/bin/sh]}
            \(made.outputText.replacing("[commands]", with: "[raw_commands]"))
            """
        let setting = try Setting(policy: policy)
        defer { setting.end() }
        let other = try scene.start([
            Products.vireo, "config", "key", "--id", "ops-1", folder + "/other.key",
        ])
        #expect(try other.waitForEnd() == .exited(0), "\(other.errorText)")
        let forged = try setting.run(
            ["/bin/echo", "hello"], flags: ["--sign", folder + "/other.key"])
        #expect(forged.0 == 126 && forged.1.errorText.contains("refused"), "\(forged.1.errorText)")
        let unsigned = try setting.run(["/bin/echo", "hello"])
        #expect(unsigned.0 == 126, "\(unsigned.1.errorText)")
        let signed = try setting.run(
            ["/bin/echo", "hi"], flags: ["--sign", folder + "/ops-1.key"])
        #expect(
            signed.0 == 0 && signed.1.outputText == "hi\n",
            "\(signed.1.errorText) \(policy) \(setting.agent.errorText)")
    }

    @Test func nobodyThereIsSaid() throws {
        let scene = try Scene()
        defer { scene.end() }
        let program = try scene.start([
            Products.vireo, "host", "exec", scene.path("none.sock"), "--", "true",
        ])
        #expect(try program.waitForEnd() == .exited(69))
        #expect(program.errorText.contains("ENOENT"))
    }
}
