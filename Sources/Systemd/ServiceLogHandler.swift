import Glibc
public import Logging

/// Log lines on standard error, with the priorities that the journal reads when it is behind it.
///
/// Source: sd-daemon(3), "<n>" prefixes; JOURNAL_STREAM in systemd.exec(5).
public struct ServiceLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let hasPriorities: Bool

    public init(label: String) {
        // SAFETY: nothing changes the environment once threads run.
        hasPriorities = unsafe getenv("JOURNAL_STREAM") != nil
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var line = hasPriorities ? "<\(priority(event.level))>" : "\(event.level): "
        // One record a line, and no control character of a stranger's in anybody's terminal.
        for scalar in event.message.description.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            if isControl {
                line += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                line.unicodeScalars.append(scalar)
            }
        }
        line += "\n"
        // SAFETY: the buffer lives for the call; a record that does not fit into a pipe is lost.
        line.withUTF8 { bytes in
            _ = unsafe write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    private func priority(_ level: Logger.Level) -> Int32 {
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
