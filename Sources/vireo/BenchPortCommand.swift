import ArgumentParser
import Bench
import Glibc
import Kernel
import Port
import Terminal

struct BenchPortCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "port", abstract: "Measures a port: latency, throughput, operations.",
        discussion: """
            Runs in the guest, against `vireo bench partner SOCKET` on the host. Nobody else may \
            have the port open: stop vireod first.

            Exit codes: 0 measured, 64 usage, 69 no port, no host or no partner, 74 the host left.
            """)

    @Option(name: .long, help: "The port's node, unix:PATH or fd:N; found by name without it.")
    var device: String?

    @Option(name: .long, help: "The port's name.")
    var name: String?

    @Option(name: .long, help: "Seconds to wait for the port and a partner.")
    var wait = 10.0

    @Option(name: .long, help: "Megabytes for the throughput, 1 to 100000.")
    var megabytes: UInt64 = 128

    @Option(name: .long, help: "Rounds for the latency of small messages, 10 to 1000000.")
    var rounds: UInt64 = 2000

    @Flag(name: .long, help: "Use a port that is named for another agent.")
    var allowForeignPort = false

    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard device == nil || name == nil else {
            throw ValidationError("give --device or --name, not both")
        }
        guard wait > 0, wait < 1e6, (1...100_000).contains(megabytes),
            (10...1_000_000).contains(rounds)
        else {
            throw ValidationError("--wait, --megabytes or --rounds is out of range")
        }
    }

    func run() throws {
        let endpoint: PortEndpoint
        do {
            endpoint = try target()
        } catch {
            throw ValidationError("\(error)")
        }
        var amounts = PortBench.Amounts()
        amounts.bulkBytes = megabytes << 20
        amounts.smallRounds = rounds
        amounts.largeRounds = max(10, rounds / 10)
        amounts.operations = rounds * 50
        let table = try benchmark { () throws(ProgramFailure) in
            let bench = try PortBench(
                endpoint, engine: options.engine.choice, amounts: amounts, waitSeconds: wait,
                allowsForeign: allowForeignPort)
            return try bench.run()
        }
        let text =
            options.json ? table.json : table.picture(usesBlocks: isTerminal(STDOUT_FILENO))
        try FileDescriptor.writeAll(text, to: STDOUT_FILENO)
    }

    private func target() throws(PortError) -> PortEndpoint {
        if let device { return try PortEndpoint(parsing: device) }
        if let name { return .named([try PortName(name)]) }
        return .named(PortName.defaults)
    }
}

struct PartnerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partner",
        abstract:
            "The host's end for `vireo bench port`: attaches to QEMU's socket, until Ctrl-C.")

    @Argument(help: "The socket that QEMU listens on.")
    var socket: String?

    @Option(name: .long, help: "Listen here instead, for a `--device unix:PATH`.")
    var listen: String?

    @Option(name: .long, help: "auto, uring or epoll; one that is refused is not replaced.")
    var engine = EngineName.auto

    func validate() throws {
        guard (socket == nil) != (listen == nil) else {
            throw ValidationError("give a socket to attach to, or --listen PATH")
        }
    }

    func run() throws {
        let place: PortPartner.Place = socket.map { .attach($0) } ?? .listen(listen ?? "")
        try benchmark { () throws(ProgramFailure) in
            try PortPartner(place, engine: engine.choice).run()
        }
    }
}
