import Foundation
import Glibc

/// One end of a connection: lines and messages in, bytes out, all within a time.
final class Connection {
    /// The other end has closed, and everything that it sent was read.
    struct Ended: Error {}

    private var number: Int32
    private var received: [UInt8] = []
    /// Where the next line begins in `received`.
    private var start = 0
    private(set) var bytesSent = 0
    /// Whether each numbered message that is read is acknowledged at once.
    var acknowledges = false
    private var hasEnded = false

    init(_ number: Int32) {
        self.number = number
    }

    /// Connects to a socket as soon as somebody listens on it.
    convenience init(to path: String) throws {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw Failure("socket") }
        self.init(number)
        try waitUntil("a listener on \(path)") {
            withUnixAddress(path) { connect(number, $0, $1) } == 0
        }
    }

    deinit { close() }

    func close() {
        guard number >= 0 else { return }
        Glibc.close(number)
        number = -1
    }

    // MARK: In

    /// The next line without its newline.
    func readLine(seconds: Double = patienceSeconds) throws -> [UInt8] {
        let limit = monotonicSeconds() + seconds
        while true {
            if let line = takeLine() { return line }
            guard !hasEnded else { throw Ended() }
            guard wait(for: POLLIN, of: number, until: limit) else {
                throw TimedOut(description: "no line within \(seconds) s")
            }
            readMore()
        }
    }

    /// The next line that is not empty, as a message.
    func readMessage(seconds: Double = patienceSeconds) throws -> Message {
        let limit = monotonicSeconds() + seconds
        while true {
            let line = try readLine(seconds: max(0, limit - monotonicSeconds()))
            guard !line.isEmpty else { continue }
            let message = try Message(line)
            if acknowledges, let number = message.number("seq"), let epoch = message.text("epoch") {
                try send("{\"type\":\"ack\",\"epoch\":\"\(epoch)\",\"seq\":\(Int(number))}\n")
            }
            return message
        }
    }

    /// The next message of this type; what comes before it is passed over.
    func readMessage(_ type: String, seconds: Double = patienceSeconds) throws -> Message {
        let limit = monotonicSeconds() + seconds
        while true {
            let message = try readMessage(seconds: max(0, limit - monotonicSeconds()))
            if message.type == type { return message }
        }
    }

    /// All messages up to the end of the connection, and the bytes behind the last newline.
    func readToEnd(seconds: Double = patienceSeconds) throws -> (messages: [Message], rest: [UInt8])
    {
        let limit = monotonicSeconds() + seconds
        var messages: [Message] = []
        do {
            while true {
                messages.append(try readMessage(seconds: max(0, limit - monotonicSeconds())))
            }
        } catch is Ended {
            return (messages, Array(received[start...]))
        }
    }

    /// Bytes that have come and were not read from the socket yet.
    var bytesWaiting: Int {
        var count: Int32 = 0
        _ = ioctl(number, UInt(FIONREAD), &count)
        return Int(count)
    }

    private func takeLine() -> [UInt8]? {
        let newline = received.withUnsafeBytes { bytes -> Int? in
            guard start < bytes.count else { return nil }
            let base = bytes.baseAddress!
            return memchr(base + start, 0x0a, bytes.count - start).map {
                UnsafeRawPointer($0) - base
            }
        }
        guard let newline else { return nil }
        let line = Array(received[start..<newline])
        start = newline + 1
        if start == received.count {
            received.removeAll(keepingCapacity: true)
            start = 0
        }
        return line
    }

    private func readMore() {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(number, &chunk, chunk.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            received += chunk[..<count]
        } else if count == 0 || errno != EAGAIN {
            hasEnded = true
        }
    }

    // MARK: Out

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Sends all of it.
    ///
    /// - Parameter takesIn: whether what comes meanwhile is read, so that neither side waits for
    ///   the other.
    func send(_ bytes: [UInt8], seconds: Double = patienceSeconds, takesIn: Bool = true) throws {
        let limit = monotonicSeconds() + seconds
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress! + done, $0.count - done, flags)
            }
            if count > 0 {
                done += count
                bytesSent += count
                continue
            }
            guard errno == EAGAIN else { throw Failure("send") }
            guard wait(for: takesIn ? POLLOUT | POLLIN : POLLOUT, of: number, until: limit) else {
                throw TimedOut(description: "the other end does not read: \(done) bytes went")
            }
            if takesIn { readMore() }
        }
    }
}
