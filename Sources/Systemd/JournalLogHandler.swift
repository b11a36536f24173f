import Glibc
public import Logging

/// Log records in the journal's own form, with their fields.
///
/// Metadata becomes fields: `port` is PORT, `hostName` HOST_NAME. ``JournalEvent`` in it becomes
/// the MESSAGE_ID. Nothing here waits: records go to the thread of the process's one writer.
///
/// Source: systemd.journal-fields(7).
public struct JournalLogHandler: LogHandler {
    public var logLevel = Logger.Level.info
    public var metadata = Logger.Metadata()
    private let label: String
    private let writer: JournalWriter

    init(label: String, writer: JournalWriter) {
        self.label = label
        self.writer = writer
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let record = record(of: event)
        writer.write(record.0, kind: record.kind)
    }

    /// The record, and what its kind is for the limit of the rate: its event, else its place.
    private func record(of event: LogEvent) -> (JournalRecord, kind: String) {
        var record = JournalRecord()
        record.append("MESSAGE", visible(event.message.description))
        record.append("PRIORITY", "\(ServiceLogHandler.priority(event.level))")
        record.append("SYSLOG_IDENTIFIER", label)
        record.append("CODE_FILE", event.file)
        record.append("CODE_LINE", "\(event.line)")
        record.append("CODE_FUNC", event.function)
        var kind = "\(event.file):\(event.line)"
        var fields = metadata.merging(event.metadata ?? [:]) { $1 }
        if case .string(let id)? = fields.removeValue(forKey: Logger.Metadata.eventKey),
            JournalEvent(rawValue: id) != nil
        {
            record.append("MESSAGE_ID", id)
            kind = id
        }
        for key in fields.keys.sorted().prefix(JournalRecord.fieldsMax) {
            record.appendField(key, visible("\(fields[key]!)"))
        }
        return (record, kind)
    }
}
