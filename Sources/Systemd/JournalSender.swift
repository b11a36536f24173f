import CLinux
import Glibc
import Kernel

/// What the journal's thread has in hand: a connection and a record.
struct JournalSender: ~Copyable {
    private let writer: JournalWriter
    private let path: String
    private var connection: FileDescriptor?
    private var attempts = 0

    init(_ writer: JournalWriter, path: String) {
        self.writer = writer
        self.path = path
    }

    /// Sends what comes next, or sleeps until something does; `false` at the end.
    mutating func step() -> Bool {
        switch writer.next() {
        case .end: return false
        case .sleep(let moment): writer.sleep(until: moment)
        case .send(let record): writer.finished(isSent: deliver(record))
        }
        return true
    }

    /// A journal that is full is waited for; one that is gone is looked for again, for a while.
    private mutating func deliver(_ record: JournalRecord) -> Bool {
        attempts = 0
        while !writer.isEnding {
            do throws(Errno) {
                try send(record)
                return true
            } catch {
                if error == .again || error.rawValue == ENOBUFS, let number = connection?.number {
                    _ = waitForEvents(
                        of: number, POLLOUT, milliseconds: JournalWriter.reconnectMilliseconds)
                    continue
                }
            }
            connection = nil
            attempts += 1
            guard attempts < JournalWriter.attemptsMax else { return false }
            // A journal that was restarted is there again already: the first look is at once.
            if attempts > 1 { usleep(UInt32(JournalWriter.reconnectMilliseconds) * 1000) }
        }
        return false
    }

    /// One datagram, without waiting.
    private mutating func send(_ record: JournalRecord) throws(Errno) {
        let number = try connect()
        let failure = unsafe record.bytes.withUnsafeBytes { bytes -> Errno? in
            // SAFETY: the bytes are an array's for the time of the call.
            let count = unsafe Glibc.send(
                number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            return count < 0 ? .current : nil
        }
        if let failure { throw failure }
    }

    private mutating func connect() throws(Errno) -> Int32 {
        if let number = connection?.number { return number }
        let new = try Self.connection(to: path)
        let number = new.number
        connection = consume new
        return number
    }

    private static func connection(to path: String) throws(Errno) -> FileDescriptor {
        // SAFETY: the path is a string of our own for the time of the call.
        let number = unsafe clinux_datagram_connect(path)
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// Whether a journal listens there: a sandbox may hide its socket and leave its stream.
    static func isThere(_ path: String) -> Bool {
        (try? connection(to: path).release()).map { close($0) } != nil
    }
}
