import Kernel

/// Asks a holder, and prints what it answers.
public enum FreezeClient {
    /// The holder's answer to a request.
    ///
    /// - Throws: what connect(2) says when nobody listens within a few seconds; EACCES when
    ///   somebody else does.
    static func ask(_ holder: String, _ request: FreezeRequest) throws(Errno) -> String {
        let connection = try connect(holder)
        guard AbstractSocket.isOwnUser(connection) else { throw .accessDenied }
        let bytes = request.bytes
        _ = try connection.write(RawSpan(_elements: bytes.span))
        var answer: [UInt8] = []
        while answer.count < FreezeLimits.requestBytesMax {
            let more = try connection.nextBytes(countMax: 4096)
            guard !more.isEmpty else { break }
            answer += more
            // A holder keeps the connection until the thaw.
            let isEnd = String(decoding: answer, as: UTF8.self).split(separator: "\n")
                .contains { $0 == "done" || $0.hasPrefix("failed ") }
            if isEnd, answer.last == 0x0A { break }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// It may still be starting.
    private static func connect(_ holder: String) throws(Errno) -> FileDescriptor {
        let end = MonotonicTime.now.adding(milliseconds: UInt64(FreezeLimits.connectSeconds) * 1000)
        while true {
            do throws(Errno) {
                return try AbstractSocket.connect(holder)
            } catch {
                guard error == .connectionRefused, MonotonicTime.now < end else { throw error }
                _ = Inputs.wait(for: [], milliseconds: 5)
            }
        }
    }
}
