import Kernel

/// Lines over a Unix socket, read with a time limit: for a few questions and answers.
final class LineConnection {
    enum Outcome: Equatable {
        /// Without its newline; empty lines are passed over.
        case line(String)
        case timedOut
        case ended
    }

    /// A line longer than this ends the connection.
    static let lineBytesMax = 1_048_576

    private let descriptor: FileDescriptor
    private var waiting: [UInt8] = []

    /// - Throws: what connect(2) says.
    init(_ path: String) throws(Errno) {
        descriptor = try UnixSocket.connect(path)
    }

    func send(_ text: String) {
        try? FileDescriptor.writeAll(text, to: descriptor.number)
    }

    func line(until limit: MonotonicTime) -> Outcome {
        while true {
            while let newline = waiting.firstIndex(of: 0x0a) {
                let line = Array(waiting[..<newline])
                waiting.removeSubrange(...newline)
                if !line.isEmpty { return .line(String(decoding: line, as: UTF8.self)) }
            }
            guard waiting.count < Self.lineBytesMax else { return .ended }
            let left = limit.nanoseconds(since: .now) / 1_000_000
            guard left > 0 else { return .timedOut }
            guard descriptor.waitUntilReadable(milliseconds: Int32(clamping: left)) else {
                continue
            }
            guard let more = read() else { return .ended }
            waiting += more
        }
    }

    /// What is there; `nil` at the end of the connection.
    private func read() -> [UInt8]? {
        do throws(Errno) {
            let bytes = try descriptor.readBytes(16_384)
            return bytes.isEmpty ? nil : bytes
        } catch {
            return error == .again ? [] : nil
        }
    }
}
