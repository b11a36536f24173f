import Glibc
import Testing

/// A service manager's ear: the datagram socket that sd_notify(3) writes to.
final class NotifySocket {
    let path: String
    private let number: Int32

    init(_ path: String) throws {
        self.path = path
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Failure("socket") }
        guard withUnixAddress(path, { bind(number, $0, $1) }) == 0 else {
            throw Failure("binding \(path)")
        }
    }

    deinit { close(number) }

    /// The next datagram: its assignments.
    func receive(seconds: Double = patienceSeconds) throws -> [String] {
        guard wait(for: POLLIN, of: number, until: monotonicSeconds() + seconds) else {
            throw TimedOut(description: "no notification within \(seconds) s")
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(number, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure("recv") }
        return String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
            .map(String.init)
    }

    /// The next datagram that holds this assignment; others are passed over.
    @discardableResult
    func receive(_ assignment: String, seconds: Double = patienceSeconds) throws -> [String] {
        let limit = monotonicSeconds() + seconds
        while true {
            let next = try receive(seconds: max(0, limit - monotonicSeconds()))
            if next.contains(assignment) { return next }
        }
    }

    /// Everything that comes within `seconds`, one entry a datagram.
    func receiveAll(seconds: Double) throws -> [[String]] {
        let limit = monotonicSeconds() + seconds
        var all: [[String]] = []
        while wait(for: POLLIN, of: number, until: limit) {
            all.append(try receive(seconds: 0))
        }
        return all
    }
}
