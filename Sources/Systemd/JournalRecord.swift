import Logging

/// One record in the journal's native form: assignments, each on a line, or with their length in
/// front where a value has line breaks.
///
/// Source: "Native Journal Protocol" of the systemd project; systemd.journal-fields(7).
struct JournalRecord: Sendable, Equatable {
    /// What is sent as one datagram.
    private(set) var bytes: [UInt8] = []

    /// Bytes of one value that are kept: a longer one is cut, with an ellipsis. It keeps a record
    /// far below what a datagram holds, so that none has to travel in a file.
    static let valueBytesMax = 4096
    /// Fields of the caller's in one record.
    static let fieldsMax = 24
    /// Characters of a field's name that journald takes.
    static let nameBytesMax = 64

    mutating func append(_ name: StaticString, _ value: String) {
        append(name: "\(name)", value)
    }

    /// Appends a field of the caller's. A name that no field can have is left out.
    mutating func appendField(_ name: String, _ value: String) {
        guard let name = Self.fieldName(name) else { return }
        append(name: name, value)
    }

    private mutating func append(name: String, _ value: String) {
        let value = Self.cut(value)
        bytes += name.utf8
        if value.utf8.contains(0x0a) {
            bytes.append(0x0a)
            let count = UInt64(value.utf8.count)
            for shift in stride(from: 0, to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> UInt64(shift)))
            }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value.utf8
        bytes.append(0x0a)
    }

    private static func cut(_ value: String) -> String {
        guard value.utf8.count > valueBytesMax else { return value }
        var kept = String.UnicodeScalarView()
        var count = 0
        for scalar in value.unicodeScalars {
            count += UTF8.width(scalar)
            if count > valueBytesMax - 3 { break }
            kept.append(scalar)
        }
        return String(kept) + "…"
    }

    /// `hostName` and `host-name` as HOST_NAME; `nil` for what journald would not take, or would
    /// take for one of its own.
    static func fieldName(_ name: String) -> String? {
        var result = ""
        var wasLower = false
        for scalar in name.unicodeScalars {
            switch scalar {
            case "a"..."z", "0"..."9":
                result += String(scalar).uppercased()
                wasLower = true
            case "A"..."Z":
                if wasLower { result += "_" }
                result.unicodeScalars.append(scalar)
                wasLower = false
            default:
                result += "_"
                wasLower = false
            }
        }
        guard let first = result.unicodeScalars.first, ("A"..."Z").contains(first),
            result.utf8.count <= nameBytesMax, !reserved.contains(result)
        else { return nil }
        return result
    }

    /// What only the handler itself sets.
    private static let reserved: Set<String> = [
        "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FILE", "CODE_LINE",
        "CODE_FUNC", "LOGGER",
    ]
}

extension JournalRecord {
    /// A record of ours about the records themselves.
    init(_ event: JournalEvent, priority: Int32, message: String, identifier: String) {
        append("MESSAGE", message)
        append("PRIORITY", "\(priority)")
        append("MESSAGE_ID", event.id)
        append("SYSLOG_IDENTIFIER", identifier)
    }
}
