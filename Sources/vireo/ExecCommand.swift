import ArgumentParser
import Commands
import Host
import Kernel
import Wire

struct ExecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Runs a command in a guest, and shows what it prints as it comes.",
        discussion: """
            The guest's policy decides which programs may run; without a policy none may. \
            Standard input goes to the command, Ctrl-C cancels it.

            Where a vireo host watch is attached to the socket, the command goes through it; else \
            this attaches itself for the time.

            Exit codes: the command's own; 124 it took too long, 125 nobody knows what became of \
            it, 126 refused or not startable, 127 not found, 128+n ended by signal n, 75 busy or \
            stale (try again), 64 usage, 69 the guest cannot be reached, 77 the key cannot be read.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Seconds that the command may take, more than 0 and at most 86400.",
            discussion: "It only lowers the policy's own limit, 30 s where that says none."))
    var timeout: Double?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Sign the command with the key in this file; see vireo config key.",
            valueName: "key"))
    var sign: String?

    @Flag(name: .long, help: "Print each message about the command, one a line.")
    var json = false

    @Flag(name: [.customShort("n"), .long], help: "Give the command no input.")
    var noInput = false

    @Argument(help: "The socket that QEMU or a watch listens on.")
    var socket: String

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp(
            "The program by its whole path, or the name of a rule for one, and its arguments.",
            valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("give a command behind --: vireo host exec SOCKET -- /bin/ls")
        }
        if let timeout, !(timeout > 0 && timeout <= 86_400) {
            throw ValidationError("--timeout takes more than 0 and at most 86400 seconds")
        }
    }

    func run() throws {
        var configuration = ExecConfiguration(socket: socket, arguments: command)
        configuration.timeoutSeconds = timeout
        configuration.passesInput = !noInput
        configuration.printsMessages = json
        if let sign { configuration.sign = try signer(sign) }
        let status: Int32
        do throws(ProgramFailure) {
            status = try ExecClient(configuration).run()
        } catch {
            throw fail(error)
        }
        throw ExitCode(status)
    }

    private func signer(
        _ path: String
    ) throws -> @Sendable (String, String, Epoch) -> String? {
        let key: Key
        do {
            key = try KeyFile.load(path)
        } catch {
            throw fail(ProgramFailure(.permission, "\(error)"))
        }
        guard EnvelopeSigner.canSign(with: key) else {
            throw fail(
                ProgramFailure(.usage, "\(path) can only verify: sign with the private key"))
        }
        return { payload, machine, epoch in
            // Later commands count higher, whichever process sends them.
            let counter = UInt64(WallTime.now.millisecondsSince1970)
            var signer = EnvelopeSigner(
                key: key, machine: machine, epoch: epoch, counter: counter)
            return signer.sign(payload)?.text
        }
    }
}
