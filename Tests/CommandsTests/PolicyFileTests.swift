import Foundation
import Glibc
import Kernel
import Logging
import Testing
import Wire

@testable import Commands

@Suite struct PolicyFileTests {
    @Test(arguments: PolicySample.allCases)
    func everySampleLoads(sample: PolicySample) throws {
        let folder = try TrustedFolder()
        let path = try folder.write("policy.yaml", sample.text)
        _ = try Policy.load(path)
    }

    /// As of vireo-exec.service, which may start before anybody wrote a policy.
    @Test func aPolicyThatComesLaterIsTakenByAReload() throws {
        let folder = try TrustedFolder()
        let path = "\(folder.path)/policy.yaml"
        func authority(mayBeMissing: Bool) throws(ProgramFailure) -> PolicyAuthority {
            try PolicyAuthority(
                path: path, mayBeMissing: mayBeMissing, credentialsDirectory: nil,
                logger: Logger(label: "test"))
        }
        #expect(throws: ProgramFailure.self) { try authority(mayBeMissing: false) }
        let authority = try authority(mayBeMissing: true)
        var parser = try JSONParser()
        let text = Array(#"{"type":"Exec","id":"a","argv":["/bin/true"]}"#.utf8)
        try parser.parse(RawSpan(_elements: text.span))
        let request = try CommandRequest(parser.root, binding: .epoch, signer: nil)
        func isAllowed() -> Bool {
            if case .run = authority.admit(request, parser.root) { true } else { false }
        }
        #expect(!isAllowed())
        try folder.write("policy.yaml", "raw_commands: true\n")
        #expect(!isAllowed())
        authority.reload()
        #expect(isAllowed())
        // A bad one changes nothing, and one that is taken away takes its rules with it.
        try folder.write("policy.yaml", "raw_commands: maybe\n")
        authority.reload()
        #expect(isAllowed())
        try FileManager.default.removeItem(atPath: path)
        authority.reload()
        #expect(!isAllowed())
    }

    @Test func theSafeSamplesCommentsAreTrue() throws {
        // What is commented out loads too, once the comments are taken off.
        var lines = PolicySample.safe.text.components(separatedBy: "\n")
        for (place, line) in lines.enumerated() {
            let isActive = [
                "# user:", "# run_as:", "# directories:", "# environment_names:",
                "# - name: Service",
                "#   operations:", "#   targets:", "#   signed:",
            ].contains { line.trimmingCharacters(in: .whitespaces).hasPrefix($0) }
            if isActive { lines[place] = line.replacing("# ", with: "", maxReplacements: 1) }
        }
        let policy = try policy(lines.joined(separator: "\n"))
        #expect(policy.actions.last?.operations == ["restart", "status"])
        #expect(policy.commands.last?.execution.user == "nobody")
        #expect(policy.commands.last?.execution.environmentNames == ["SECTION"])
    }

    @Test(arguments: [
        ("comands: []\n", "p.yaml:1:1: unknown key \"comands\"; did you mean \"commands\"?"),
        (
            "actions: [ReadOnly]\n",
            "p.yaml:1:11: no action \"ReadOnly\"; did you mean \"read_only\"?"
        ),
        ("actions: [ServiceControll]\n", "did you mean \"ServiceControl\"?"),
        ("limits: {timeout: 0}\n", "write a number from 0.1 to 86400 seconds"),
        ("limits: {output_bytes: 9999999}\n", "from 1024 to 524288 bytes"),
        (
            "commands:\n  - {name: a, path: bin/x}\n",
            "p.yaml:2:21: \"bin/x\" is no plain absolute path"
        ),
        ("commands:\n  - {name: a, path: /bin/../x}\n", "no plain absolute path"),
        ("commands:\n  - {path: /bin/x}\n", "no \"name\" here"),
        ("commands:\n  - {name: a, path: /b}\n  - {name: a, path: /c}\n", "a second command \"a\""),
        ("commands: [{name: a, path: /b, arguments: [\"[a-z]*\"]}]", "write how often"),
        (
            "commands: [{name: a, path: /b, environment: {LD_PRELOAD: /x}}]",
            "LD_PRELOAD is never set"
        ),
        ("commands: [{name: a, path: /b, environment_names: [LD_AUDIT]}]", "LD_AUDIT is never set"),
        ("commands: [{name: a, path: /b, environment_names: [BASH_ENV]}]", "BASH_ENV is never set"),
        ("commands: [{name: a, path: /b, environment_names: [PATH]}]", "may not choose PATH"),
        ("commands: [{name: a, path: /b, user: \"root;\"}]", "is no user's name"),
        ("commands: [{name: a, path: /b, more_arguments: {patterns: x, max: 999}}]", "0 to 256"),
        ("raw_commands: yes\n", "is not true or false"),
        ("pending_scripts: true\n", "no key may sign them"),
        ("require_signature: all\n", "no key is there"),
        ("files: {read: [var/log]}\n", "no plain absolute path"),
        ("keys: [{kid: a, algorithm: hmac-sha256, public_key: x, may: all}]", "a secret key in"),
        ("keys: [{kid: a, algorithm: ed25519, public_key: AAAA, may: all}]", "32 bytes in base64"),
        ("keys: [{kid: a, algorithm: rsa, file: /k, may: all}]", "known are"),
        ("keys: [{kid: a, algorithm: ed25519, may: all}]", "has to come from one place"),
        ("keys: [{kid: a, algorithm: ed25519, file: /k, credential: k, may: all}]", "one place"),
        (
            "keys: [{kid: a, algorithm: ed25519, credential: ../k, may: all}]",
            "no credential's name"
        ),
        ("keys: [{kid: a, algorithm: ed25519, file: /k, may: [al]}]", "did you mean \"all\"?"),
        ("keys: [{kid: a, algorithm: ed25519, file: /k}]", "no \"may\" here"),
        ("actions: [read_only]\nactions: [all]\n", "p.yaml:2:1: the key \"actions\" again"),
    ])
    func whatIsWrongIsSaidWithItsPlace(text: String, expected: String) {
        #expect(complaint(text).contains(expected), "\(complaint(text))")
    }

    private func reason(_ path: String) -> TrustedFileError? {
        do {
            _ = try Policy.load(path)
            return nil
        } catch {
            if case .untrusted(let error) = error { return error }
            return nil
        }
    }

    @Test func aFileThatOthersMayWriteToIsRefused() throws {
        let folder = try TrustedFolder()
        for mode: mode_t in [0o664, 0o646, 0o666] {
            let path = try folder.write("p.yaml", "actions: []\n", mode: mode)
            #expect(reason(path) == TrustedFileError(path, .writable(UInt32(mode))))
            #expect(reason(path)?.description.contains("chmod go-w \(path)") == true)
        }
        #expect(reason(try folder.write("p.yaml", "actions: []\n", mode: 0o640)) == nil)
    }

    @Test func aDirectoryThatOthersMayWriteToIsRefused() throws {
        let folder = try TrustedFolder()
        for mode: mode_t in [0o775, 0o757, 0o1777] {
            let inner = try folder.makeFolder("etc", mode: mode)
            _ = try folder.makeFolder("etc/vireo")
            let path = try folder.write("etc/vireo/p.yaml", "actions: []\n")
            #expect(reason(path) == TrustedFileError(inner, .writable(UInt32(mode))))
        }
    }

    @Test func theTemporaryDirectoryIsRefusedInSpiteOfItsStickyBit() throws {
        let path = "/tmp/vireo-policy-\(UUID().uuidString).yaml"
        try "actions: []\n".write(toFile: path, atomically: false, encoding: .utf8)
        defer { unlink(path) }
        #expect(reason(path)?.path == "/tmp")
    }

    @Test func symbolicLinksAreRefusedWhereverTheyStand() throws {
        let folder = try TrustedFolder()
        try folder.makeFolder("real")
        let real = try folder.write("real/p.yaml", "actions: []\n")
        symlink(real, "\(folder.path)/link.yaml")
        symlink("\(folder.path)/real", "\(folder.path)/linked")
        #expect(
            reason("\(folder.path)/link.yaml")
                == TrustedFileError("\(folder.path)/link.yaml", .symbolicLink))
        #expect(
            reason("\(folder.path)/linked/p.yaml")
                == TrustedFileError("\(folder.path)/linked", .symbolicLink))
        #expect(reason(real) == nil)
    }

    @Test func whatIsNoShortRegularFileIsRefused() throws {
        let folder = try TrustedFolder()
        let fifo = "\(folder.path)/fifo"
        mkfifo(fifo, 0o600)
        // It is answered at once: nobody writes to it.
        #expect(reason(fifo) == TrustedFileError(fifo, .notRegular))
        #expect(reason(folder.path)?.reason == .notRegular)
        let long = try folder.write("long", String(repeating: "#", count: 1 << 20) + "\n")
        #expect(reason(long) == TrustedFileError(long, .tooLong(1 << 20)))
        #expect(reason("\(folder.path)/none")?.reason == .failed(.notFound))
        for path in ["relative.yaml", "/", "", "\(folder.path)/../x", "\(folder.path)/"] {
            #expect(reason(path) == TrustedFileError(path, .notPlain))
        }
    }

    // Only root can give a file away.
    @Test(.enabled(if: geteuid() == 0)) func anotherUsersFileIsRefused() throws {
        let folder = try TrustedFolder()
        let path = try folder.write("p.yaml", "actions: []\n")
        chown(path, 12345, 0)
        #expect(reason(path) == TrustedFileError(path, .owner(12345)))
        #expect(reason(path)?.description.contains("chown root \(path)") == true)
    }

    @Test func aProgramHasToBeRootsAlone() throws {
        let folder = try TrustedFolder()
        func outcome(_ program: String) -> PolicyError? {
            do {
                let text = "commands: [{name: a, path: \(program)}]\n"
                _ = try Policy.load(try folder.write("p.yaml", text))
                return nil
            } catch {
                return error as? PolicyError
            }
        }
        #expect(outcome("/bin/sh") == nil, "links that are root's are followed")
        #expect(outcome("/usr/bin/env") == nil)
        #expect(outcome("/usr/bin/no-such-program") != nil)
        #expect(outcome("/usr/bin") != nil)
        #expect(outcome("/etc/passwd") != nil)
        let program = try folder.write("program", "#!/bin/sh\n", mode: 0o775)
        guard case .program(rule: "commands.a", let error) = outcome(program) else {
            Issue.record("a program that its group may write to is trusted")
            return
        }
        if geteuid() == 0 { #expect(error == TrustedFileError(program, .writable(0o775))) }
    }

    @Test(.enabled(if: geteuid() == 0)) func aLinkThatSomebodyElseCanTurnIsNoProgram() throws {
        let folder = try TrustedFolder()
        let link = "\(folder.path)/sh"
        symlink("/bin/sh", link)
        _ = try TrustedFile.openExecutable(link)
        lchown(link, 12345, 0)
        #expect(throws: TrustedFileError(link, .owner(12345))) {
            _ = try TrustedFile.openExecutable(link)
        }
        symlink("\(folder.path)/b", "\(folder.path)/a")
        symlink("a", "\(folder.path)/b")
        #expect(throws: TrustedFileError.self) {
            _ = try TrustedFile.openExecutable("\(folder.path)/a")
        }
    }

    @Test func filesAreOpenedBeneathADirectoryAlone() throws {
        let folder = try TrustedFolder()
        try folder.makeFolder("root/in")
        try folder.write("root/in/file", "inside")
        try folder.write("secret", "outside")
        symlink("../secret", "\(folder.path)/root/link")
        symlink("\(folder.path)", "\(folder.path)/root/up")
        mkfifo("\(folder.path)/root/fifo", 0o600)
        let root = try FileDescriptor.open("\(folder.path)/root", .directory)
        func outcome(_ path: String, _ mode: BeneathMode = .read) -> Int32 {
            do {
                _ = try FileDescriptor.openBeneath(root, path, mode)
                return 0
            } catch {
                return error.rawValue
            }
        }
        #expect(outcome("in/file") == 0)
        #expect(outcome("../secret") == EXDEV)
        #expect(outcome("in/../../secret") == EXDEV)
        #expect(outcome("link") == ELOOP)
        #expect(outcome("up/secret") == ELOOP)
        #expect(outcome("/etc/passwd") == EINVAL)
        #expect(outcome("") == EINVAL)
        #expect(outcome("fifo") == EINVAL)
        #expect(outcome("in") == EINVAL)
        #expect(outcome("in", .directory) == 0)
        #expect(outcome("in/new", .create(permissions: 0o600)) == 0)
        #expect(outcome("in/new", .create(permissions: 0o600)) == EEXIST)
        #expect(outcome("../new", .create(permissions: 0o600)) == EXDEV)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/new"))
    }
}
