import CLinux
import Glibc

/// A plain host's socket: it listens, and says nothing by itself.
final class Listener {
    let path: String
    private var number: Int32

    init(_ path: String) throws {
        self.path = path
        number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Failure("socket") }
        guard withUnixAddress(path, { bind(number, $0, $1) }) == 0 else {
            throw Failure("binding \(path)")
        }
        // An agent of another user has to get in.
        chmod(path, 0o666)
        guard listen(number, 16) == 0 else { throw Failure("listen") }
    }

    deinit { close() }

    func accept(seconds: Double = patienceSeconds) throws -> Connection {
        guard wait(for: POLLIN, of: number, until: monotonicSeconds() + seconds) else {
            throw TimedOut(description: "nobody connected to \(path) within \(seconds) s")
        }
        let accepted = clinux_accept(number)
        guard accepted >= 0 else { throw Failure("accept") }
        return Connection(accepted)
    }

    /// Goes away, and the socket's file with it.
    func close() {
        guard number >= 0 else { return }
        unlink(path)
        Glibc.close(number)
        number = -1
    }
}

/// Calls with the address of a Unix socket.
func withUnixAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    precondition(path.utf8.count < room, "the path of a socket is too long")
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// Waits until one of `events` holds for a descriptor, or an error or the end does.
func wait(for events: Int32, of number: Int32, until limit: Double) -> Bool {
    var one = pollfd(fd: number, events: Int16(events), revents: 0)
    while true {
        let left = limit - monotonicSeconds()
        let ready = poll(&one, 1, Int32(max(0, left * 1000).rounded(.up)))
        if ready > 0 { return true }
        if ready == 0 && left <= 0 { return false }
    }
}
