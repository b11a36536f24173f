import ArgumentParser
import Glibc
import Host
import Kernel

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows this machine: an agent and a host joined here.",
        discussion: """
            Starts vireod with a socket in place of the port, and shows what it sends: a live \
            table in a terminal, rows in a pipe. Ctrl-C ends it.
            """)

    @Option(name: .long, help: "End after this many seconds.")
    var seconds: Double?

    @Option(name: .long, help: "Seconds between samples.")
    var interval = 1.0

    @Option(name: .long, help: "auto, uring or epoll, for both ends.")
    var engine = EngineName.auto

    func run() throws {
        do {
            try show()
        } catch {
            throw fail(error)
        }
    }

    private func show() throws(HostFailure) {
        let path = try socketPath()
        var configuration = Watch.Configuration()
        configuration.listenPath = path
        configuration.engine = engine.choice
        configuration.seconds = seconds
        let watch = try Watch(
            configuration, view: makeView(note: "vireo demo: this machine; Ctrl-C ends"))
        let agent = try startAgent(path)
        var exitCode: Int32?
        watch.shouldEnd = {
            exitCode = exitCode ?? agent.ended()
            return exitCode != nil
        }
        defer { end(agent, exitCode) }
        try watch.run()
        if let exitCode, exitCode != 0 {
            throw HostFailure(.software, "the agent ended with \(exitCode)")
        }
    }

    private func socketPath() throws(HostFailure) -> String {
        do {
            return "\(try Folders.runtime())/demo-\(getpid()).sock"
        } catch {
            throw HostFailure(.permission, "no folder for a socket can be had: \(error)")
        }
    }

    /// The agent beside this program, or the installed one.
    private func startAgent(_ path: String) throws(HostFailure) -> ChildProcess {
        let own = linkTarget("/proc/self/exe") ?? ""
        let beside = own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/vireod"
        let program = (try? FileStatus.of(beside)) != nil ? beside : "/usr/bin/vireod"
        let arguments = [
            "--device", "unix:\(path)", "--interval", "\(interval)", "--engine", engine.rawValue,
            "--log-level", "error",
        ]
        do {
            return try ChildProcess.start(
                program, arguments: arguments,
                unblocked: [Signals.terminate, Signals.interrupt, Signals.hangUp])
        } catch {
            throw HostFailure(.unavailable, "\(program) cannot be started: \(error)")
        }
    }

    /// Ends the agent and waits for it, at most three seconds.
    private func end(_ agent: ChildProcess, _ exitCode: Int32?) {
        guard exitCode == nil else { return }
        agent.signal(Signals.terminate)
        for _ in 0..<300 {
            if agent.ended() != nil { return }
            usleep(10_000)
        }
        agent.signal(SIGKILL)
        _ = agent.ended()
    }
}
