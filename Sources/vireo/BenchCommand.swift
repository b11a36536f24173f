import ArgumentParser
import Bench
import Glibc
import IOEngine
import Kernel

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures the engine between two processes, and a port to its host.",
        discussion: """
            A frame is a line of exactly --bytes bytes with its newline, so any program that \
            speaks lines can be the other end.

            Exit codes: 0 measured, 64 usage, 69 no engine or nobody listens, 74 the other end \
            left in the middle.
            """,
        subcommands: [
            ReceiveCommand.self, SendCommand.self, EchoCommand.self, PingCommand.self,
            BenchPortCommand.self, PartnerCommand.self,
        ])
}

/// What all of them take.
struct BenchOptions: ParsableArguments {
    @Option(name: .long, help: "auto, uring or epoll; one that is refused is not replaced.")
    var engine = EngineName.auto

    @Flag(name: .long, help: "One JSON object on one line.")
    var json = false

    func print(_ row: Row) throws {
        try FileDescriptor.writeAll(json ? row.json + "\n" : row.table, to: STDOUT_FILENO)
    }
}

struct ReceiveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive", abstract: "Counts frames until end of file, or so many.")

    @Option(name: .long, help: "The Unix socket to listen on.")
    var listen: String

    @Option(name: .long, help: "End after this many frames.")
    var frames: UInt64?

    @Option(name: .long, help: "Wait for this many connections, and end when all have ended.")
    var connections = 1

    @OptionGroup var options: BenchOptions

    func validate() throws {
        if let frames, frames == 0 { throw ValidationError("--frames takes a positive number") }
        guard (1...BenchLimits.connectionsMax).contains(connections) else {
            throw ValidationError("--connections takes 1 to \(BenchLimits.connectionsMax)")
        }
    }

    func run() throws {
        try options.print(
            try benchmark { () throws(ProgramFailure) in
                let receiver = try Receiver(
                    path: listen, frames: frames, connections: connections,
                    engine: options.engine.choice)
                return try receiver.run()
            })
    }
}

struct SendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Sends lines as fast as they are taken.")

    @Option(name: .long, help: "The Unix socket that somebody listens on.")
    var connect: String

    @Option(name: .long, help: "Bytes of a line with its newline, 2 to 1048576.")
    var bytes = 256

    @Option(name: .long, help: "How many lines.")
    var frames: UInt64 = 1_000_000

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try checkLineBytes(bytes)
        guard (1...1_000_000_000_000).contains(frames) else {
            throw ValidationError("--frames takes 1 to 10^12")
        }
    }

    func run() throws {
        try options.print(
            try benchmark { () throws(ProgramFailure) in
                let sender = try Sender(
                    path: connect, lineBytes: bytes, frames: frames,
                    engine: options.engine.choice)
                return try sender.run()
            })
    }
}

struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo", abstract: "Answers each line with itself, until Ctrl-C.",
        discussion: "Serves up to 1,000 connections at a time. Lines over 1 MiB are skipped.")

    @Option(name: .long, help: "The Unix socket to listen on.")
    var listen: String

    @Option(name: .long, help: "auto, uring or epoll; one that is refused is not replaced.")
    var engine = EngineName.auto

    func run() throws {
        try benchmark { () throws(ProgramFailure) in
            try Echo(path: listen, engine: engine.choice).run()
        }
    }
}

struct PingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping", abstract: "Sends a line, waits for its answer, and says how long.",
        discussion: "A tenth as many rounds, 1,000 at most, go before those that count.")

    @Option(name: .long, help: "The Unix socket that an echo listens on.")
    var connect: String

    @Option(name: .long, help: "Bytes of a line with its newline, 2 to 1048576.")
    var bytes = 256

    @Option(name: .long, help: "How many rounds.")
    var rounds = 100_000

    @OptionGroup var options: BenchOptions

    func validate() throws {
        try checkLineBytes(bytes)
        guard (1...BenchLimits.roundsMax).contains(rounds) else {
            throw ValidationError("--rounds takes 1 to \(BenchLimits.roundsMax)")
        }
    }

    func run() throws {
        try options.print(
            try benchmark { () throws(ProgramFailure) in
                let ping = try Ping(
                    path: connect, lineBytes: bytes, rounds: rounds,
                    engine: options.engine.choice)
                return try ping.run()
            })
    }
}

private func checkLineBytes(_ bytes: Int) throws {
    guard (BenchLimits.lineBytesMin...BenchLimits.lineBytesMax).contains(bytes) else {
        throw ValidationError("--bytes takes 2 to 1048576")
    }
}

/// Runs it, and ends the program with what a failure says, on standard error, and its exit code.
func benchmark<Result>(
    _ body: () throws(ProgramFailure) -> Result
) throws -> Result {
    do throws(ProgramFailure) {
        return try body()
    } catch {
        throw fail(error)
    }
}
