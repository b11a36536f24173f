import ArgumentParser
import Glibc
import Kernel
import MockHost
import Terminal

struct MockHostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mock-host",
        abstract: "Plays the host for an agent under test, as a script says.",
        discussion: """
            Listens on a socket of mode 0600, serves one agent at a time, and prints each message \
            that comes, one a line. Without a script it is a host as it should be: it acknowledges \
            everything until Ctrl-C.

            \(MockScript.manual)
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The socket to listen on; vireod --device unix:PATH connects.",
            discussion: "A missing folder is made, for this user alone (mode 0700)."))
    var listen: String

    @Option(name: .long, help: "A file of instructions, - for standard input.")
    var script: String?

    @Flag(name: .long, help: "Print no messages.")
    var quiet = false

    func run() throws {
        do {
            let host = try MockHost(listeningOn: listen, script: readScript()) { text in
                guard !quiet else { return }
                try? FileDescriptor.writeAll("\(escaped(text))\n", to: STDOUT_FILENO)
            }
            switch try host.run() {
            case .passed: return
            case .interrupted:
                if script == nil { return }
                complain("ended by a signal before the script was")
                throw ExitCode(1)
            case .failed(let line, let reason):
                complain("line \(line): \(reason)")
                throw ExitCode(1)
            }
        } catch let failure as ProgramFailure {
            throw fail(failure)
        }
    }

    private func readScript() throws(ProgramFailure) -> MockScript? {
        guard let script else { return nil }
        let path = script == "-" ? "/dev/stdin" : script
        let text: String
        do throws(Errno) {
            let descriptor = try FileDescriptor.open(path, .read)
            text = try descriptor.readText(bytesMax: MockLimits.scriptBytesMax)
        } catch {
            throw ProgramFailure(.usage, "\(path): \(error)")
        }
        do throws(MockScriptError) {
            return try MockScript(text)
        } catch {
            throw ProgramFailure(.usage, "\(path): \(error)")
        }
    }
}
