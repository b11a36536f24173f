import Agent
import ArgumentParser
import Glibc
import Host
import Kernel

struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows this machine: an agent and a host joined here.",
        discussion: """
            Starts vireod with one end of a socket pair in place of the port, and shows what it \
            sends: a live table in a terminal, rows in a pipe. Ctrl-C ends it.

            Exit codes: 0 ended as asked, 64 usage, 69 the agent cannot be started or ended by \
            itself.
            """)

    @Option(name: .long, help: "End after this many seconds, more than 0.")
    var seconds: Double?

    @Option(name: .long, help: "Seconds between samples, 0.05 to 86400.")
    var interval = 1.0

    @Option(name: .long, help: "auto, uring or epoll, for both ends.")
    var engine = EngineName.auto

    func validate() throws {
        if let seconds, !(seconds > 0 && seconds < 1e9) {
            throw ValidationError("--seconds takes a positive number")
        }
        guard AgentLimits.intervalSecondsRange.contains(interval) else {
            throw ValidationError("--interval takes 0.05 to 86400 seconds")
        }
    }

    func run() throws {
        do {
            try show()
        } catch {
            throw fail(error)
        }
    }

    private func show() throws(ProgramFailure) {
        let pair: SocketPair
        do {
            pair = try UnixSocket.pair()
        } catch {
            throw ProgramFailure(.software, "no pair of sockets can be had: \(error)")
        }
        // The agent ends when its end is the only one left: also when this program is killed.
        let agent = try startAgent(pair.far)
        var status: Int32?
        defer { if status == nil { end(agent) } }
        var configuration = Watch.Configuration()
        configuration.connection = (pair.takeNear().release(), "this-machine")
        configuration.engine = engine.choice
        configuration.seconds = seconds
        // With a state the two speak in full, and the first sample need not wait for an answer that
        // never comes.
        let state = try temporaryFolder()
        defer { Folders.removeTree(state) }
        configuration.stateFolder = state
        try Watch(configuration, view: makeView(note: "vireo demo: Ctrl-C ends")).run()
        // It may be ending by now, as it should when the host has left.
        status = agent.ended()
        if let status, status != 0 {
            throw ProgramFailure(.unavailable, "the agent ended by itself, with \(status)")
        }
    }

    private func temporaryFolder() throws(ProgramFailure) -> String {
        do {
            return "\(try Folders.runtime())/demo-\(getpid())"
        } catch {
            throw ProgramFailure(
                .unavailable, "no folder for the time of this run can be had: \(error)")
        }
    }

    /// The agent beside this program, or the installed one.
    private func startAgent(_ end: borrowing FileDescriptor) throws(ProgramFailure) -> ChildProcess
    {
        let own = linkTarget("/proc/self/exe") ?? ""
        let beside = own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/vireod"
        let program = (try? FileStatus.of(beside)) != nil ? beside : "/usr/bin/vireod"
        let arguments = [
            "--device", "fd:3", "--interval", "\(interval)", "--engine", engine.rawValue,
            "--log-level", "critical",
        ]
        do {
            return try ChildProcess.start(
                program, arguments: arguments,
                unblocked: [Signals.terminate, Signals.interrupt, Signals.hangUp], inherited: end)
        } catch {
            throw ProgramFailure(.unavailable, "\(program) cannot be started: \(error)")
        }
    }

    /// Ends the agent and waits for it, at most three seconds.
    private func end(_ agent: ChildProcess) {
        agent.signal(Signals.terminate)
        for _ in 0..<300 {
            if agent.ended() != nil { return }
            usleep(10_000)
        }
        agent.signal(SIGKILL)
        while agent.ended() == nil { usleep(10_000) }
    }
}
