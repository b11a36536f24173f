import ArgumentParser
import Glibc
import Host

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Shows what guests report: a live table, rows in a pipe, or JSON.",
        discussion: """
            QEMU listens on a guest's socket and serves one client: while this runs, nobody else \
            can be attached. Ctrl-C ends it.

            A socket that is not there yet is waited for. In rows, rx and tx are bytes a second \
            of the network, read and write of the disks.

            Exit codes: 0 ended as asked, 64 usage, 69 the only socket was connected and nothing \
            came on it for 3 s.
            """)

    @Flag(name: .long, help: "Print each message that is received, one a line.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Listen on this path instead, for agents that connect by themselves.",
            discussion: """
                They are called guest-1, guest-2 and so on, in the order in which they connect. A \
                missing folder is made, for this user alone (mode 0700).
                """))
    var listen: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Keep what comes in this folder, and acknowledge it.",
            discussion: """
                A folder for each socket, named by its path with / as %2f, of numbered files of \
                JSON lines. Guests send again what is missing in it; nothing is written twice.
                """, valueName: "dir"))
    var state: String?

    @Option(name: .long, help: "auto, uring or epoll.")
    var engine = EngineName.auto

    @Option(name: .long, help: "End after this many seconds.")
    var seconds: Double?

    @Argument(
        help: "Sockets that QEMU listens on, or quoted patterns of them, looked up at the start.")
    var sockets: [String] = []

    func validate() throws {
        guard (listen == nil) != sockets.isEmpty else {
            throw ValidationError("give sockets to attach to, or --listen PATH")
        }
        if let seconds, !(seconds > 0 && seconds < 1e9) {
            throw ValidationError("--seconds takes a positive number")
        }
    }

    func run() throws {
        var configuration = Watch.Configuration()
        configuration.sockets = sockets
        configuration.listenPath = listen
        configuration.engine = engine.choice
        configuration.stateFolder = state
        configuration.seconds = seconds
        let many = listen != nil || sockets.count > 1 || (sockets.first?.contains("*") ?? false)
        let view: any WatchView =
            json
            ? JSONLinesView(descriptor: STDOUT_FILENO, namesSockets: many)
            : makeView(note: "Ctrl-C ends")
        do {
            let watch = try Watch(configuration, view: view)
            if !(view is DashboardWatchView) { watch.report = complain }
            try watch.run()
        } catch {
            throw fail(error)
        }
    }
}
