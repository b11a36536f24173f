import Foundation
import Glibc

/// Which engine an agent is told to use.
enum Engine: String, CaseIterable, Sendable {
    case uring
    case epoll
}

/// What one test works with: a folder of its own, and children that do not outlive it.
///
/// ```swift
/// let scene = try Scene()
/// defer { scene.end() }
/// let (agent, host) = try scene.agentAndHost(.uring, interval: 0.2)
/// let handshake = try host.readGreeting()
/// ```
final class Scene {
    let folder: String
    private var programs: [Program] = []
    private var connections: [Connection] = []

    init() throws {
        // Not below TMPDIR: the path of a socket has 107 bytes at most.
        let pattern = "/tmp/vireo-test-" + String(repeating: "X", count: 6)
        var template = Array(pattern.utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("mkdtemp") }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Some of the tests start programs as another user, who has to get in.
        chmod(folder, 0o755)
    }

    /// Kills what still runs and takes the folder away.
    func end() {
        for connection in connections { connection.close() }
        for program in programs { program.kill() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Starts a program; see ``Program``.
    func start(
        _ command: [String], environment: [String: String] = [:],
        standardInput: Int32? = nil, output: Program.Output = .pipe
    ) throws -> Program {
        let program = try Program(
            command, environment: environment, standardInput: standardInput, output: output,
            errorPath: path("stderr-\(programs.count)"))
        programs.append(program)
        return program
    }

    /// Starts vireod, which connects to the socket of that name in the folder.
    ///
    /// - Parameter wrapper: a command that ends by becoming vireod, such as `prlimit --memlock=0`.
    func startAgent(
        _ engine: String, interval: Double = 3600, socket: String = "host.sock",
        flags: [String] = [], environment: [String: String] = [:], wrapper: [String] = []
    ) throws -> Program {
        let command = [
            Products.vireod, "--device", "unix:\(path(socket))", "--engine", engine,
            "--interval", "\(interval)",
        ]
        return try start(wrapper + command + flags, environment: environment)
    }

    /// Keeps a connection open up to the end, even if nothing is done with it any more.
    func keep(_ connection: Connection) -> Connection {
        connections.append(connection)
        return connection
    }

    /// An agent that is connected to a listener, from which nothing has been read yet.
    func agentAndHost(
        _ engine: Engine, interval: Double = 3600, environment: [String: String] = [:]
    ) throws -> (Program, Connection) {
        let listener = try Listener(path("host.sock"))
        let agent = try startAgent(
            engine.rawValue, interval: interval, environment: environment)
        let host = keep(try listener.accept())
        // The connection stays when the socket goes; who wants it back listens again.
        listener.close()
        return (agent, host)
    }
}

/// A system call that failed in the test itself.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ call: String) {
        description = "\(call): \(String(cString: strerror(errno)))"
    }
}
