import Glibc
import Kernel
public import Logging

/// Log lines on standard error, with the priorities that the journal reads when it is behind it.
///
/// Source: sd-daemon(3), "<n>" prefixes; JOURNAL_STREAM in systemd.exec(5).
public struct ServiceLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let hasPriorities: Bool
    private let descriptor: Int32

    public init(label: String) {
        self.init(descriptor: STDERR_FILENO)
    }

    init(descriptor: Int32) {
        self.descriptor = descriptor
        hasPriorities = ServiceLog.isJournal(environmentVariable("JOURNAL_STREAM"), descriptor)
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = hasPriorities ? "<\(Self.priority(event.level))>" : "\(event.level): "
        // One record a line, and no control character of a stranger's in anybody's terminal.
        line += visible(event.message.description) + "\n"
        // SAFETY: the buffer lives for the call; a record that does not fit into a pipe is lost.
        line.withUTF8 { bytes in
            _ = unsafe write(descriptor, bytes.baseAddress, bytes.count)
        }
    }

    static func priority(_ level: Logger.Level) -> Int32 {
        switch level {
        case .critical: LOG_CRIT
        case .error: LOG_ERR
        case .warning: LOG_WARNING
        case .notice: LOG_NOTICE
        case .info: LOG_INFO
        case .debug, .trace: LOG_DEBUG
        }
    }
}
