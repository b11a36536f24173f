import ArgumentParser
import Commands
import Glibc
import Kernel
import Terminal

/// What of a file ends up on a terminal acts on none; lines stay lines.
func shownText(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { escaped(String($0)) }
        .joined(separator: "\n")
}

struct ConfigKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes a key to sign commands with, in a file of mode 0600.",
        discussion: "Prints what the policy of the guest needs to know of it, which is no secret.")

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case ed25519
        case hmacSHA256 = "hmac-sha256"
    }

    @Option(
        name: .long,
        help: "ed25519, which the guest can only verify, or hmac-sha256, which both have to know.")
    var kind: Kind = .ed25519

    @Option(name: .long, help: "What the key is called: letters, digits, \".\", \"_\", \"-\".")
    var id: String

    @Argument(help: "The file that is made.")
    var file: String

    func run() throws {
        do {
            guard Key.isID(id) else {
                throw ProgramFailure(
                    .usage, "a key's id has 1 to 64 letters, digits, \".\", \"_\" or \"-\"")
            }
            let key = try Key.random(
                id: id, kind: kind == .ed25519 ? .ed25519Private : .hmacSHA256)
            try write(key)
            try FileDescriptor.writeAll(snippet(key), to: STDOUT_FILENO)
        } catch let failure as ProgramFailure {
            throw fail(failure)
        } catch let errno as Errno {
            let reason =
                errno == .exists
                ? "it exists already; name another, or remove it if no guest knows its key"
                : "\(errno)"
            throw fail(ProgramFailure(.inputOutput, "\(file) cannot be made: \(reason)"))
        } catch {
            throw fail(ProgramFailure(.software, "\(error)"))
        }
    }

    private func write(_ key: Key) throws(Errno) {
        let made = try FileDescriptor.createNew(file, permissions: 0o600)
        try FileDescriptor.writeAll(key.exposedLine(), to: made.number)
    }

    private func snippet(_ key: Key) -> String {
        let place =
            key.publicKeyText.map { "public_key: \($0)" }
            ?? "credential: \(id)   # of vireo-exec.service; or file: PATH of a copy of mode 0600"
        return """
            # In place of "keys: []" in the guest's /etc/vireo/policy.yaml:
            keys:
              - kid: \(id)
                algorithm: \(kind.rawValue)
                \(place)
                may: [commands]  # and read_only, actions, raw_commands, pending_scripts, files, all

            """
    }
}
