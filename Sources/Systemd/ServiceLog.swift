import Glibc
import Kernel
public import Logging
import Synchronization

/// Where a service's log goes: into the journal with fields when standard error is the journal's,
/// to standard error otherwise.
///
/// ```swift
/// let logger = Logger(label: "vireod", factory: ServiceLog.handler)
/// defer { ServiceLog.flush() }
/// logger.info("host connected", metadata: .event(.hostConnected, ["port": "\(path)"]))
/// ```
///
/// Source: JOURNAL_STREAM in systemd.exec(5): the variable is inherited by children whose standard
/// error may be a terminal, so the device and inode in it have to be those of descriptor 2.
public enum ServiceLog {
    /// How long the end of the process waits for a journal that does not read, in milliseconds.
    static let flushMilliseconds: UInt64 = 200

    private static let writer = Mutex<JournalWriter?>(nil)

    /// The handler for a logger of this label. Where the journal's socket or a thread cannot be
    /// had, standard error is the journal's stream still.
    public static func handler(label: String) -> any LogHandler {
        guard isJournal(environmentVariable("JOURNAL_STREAM"), STDERR_FILENO),
            JournalSender.isThere(JournalWriter.systemPath)
        else {
            return ServiceLogHandler(label: label)
        }
        let journal = writer.withLock { writer -> JournalWriter? in
            writer = writer ?? (try? JournalWriter(identifier: label))
            return writer
        }
        guard let journal else { return ServiceLogHandler(label: label) }
        return JournalLogHandler(label: label, writer: journal)
    }

    /// Waits a short while until what was logged has reached the journal: before the process ends.
    public static func flush() {
        guard let journal = writer.withLock({ $0 }) else { return }
        journal.flush(milliseconds: flushMilliseconds)
    }

    /// Whether `stream`, two numbers with a colon between, names the file behind `descriptor`.
    static func isJournal(_ stream: String?, _ descriptor: Int32) -> Bool {
        guard let stream else { return false }
        let numbers = stream.split(separator: ":", omittingEmptySubsequences: false)
            .map { UInt64($0) }
        guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else {
            return false
        }
        var status = stat()
        // SAFETY: the result is written into a local.
        guard unsafe fstat(descriptor, &status) == 0 else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }
}
