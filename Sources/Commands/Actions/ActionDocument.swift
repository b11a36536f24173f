import Wire

/// An answer in JSON: some members, and rows that give way from the last when a frame is too short.
struct ActionDocument: Sendable {
    var members: [(String, JSONTree)] = []
    var rowsName: String?
    var rows: [JSONTree] = []

    init(_ members: [(String, JSONTree)] = []) {
        self.members = members
    }

    init(_ members: [(String, JSONTree)] = [], rows name: String, _ rows: [JSONTree]) {
        self.members = members
        rowsName = name
        self.rows = rows
    }

    /// As JSON of at most `bytesMax` bytes, and how many rows it has.
    func encoded(bytesMax: Int) -> (json: String, rowsKept: Int) {
        var kept = 0
        let json = JSONText.written(bytesMax: bytesMax) { writer in
            writer.beginObject()
            for (name, value) in members {
                writer.key(name)
                value.encode(into: &writer)
            }
            if let rowsName {
                writer.key(rowsName)
                kept = Self.encode(rows, reserving: 64, into: &writer)
                writer.member("rows_dropped", rows.count - kept)
            }
            writer.endObject()
        }
        return (json ?? #"{"rows_dropped":\#(rows.count)}"#, json == nil ? 0 : kept)
    }

    /// Rows from the first as long as they fit and leave `reserved` bytes; how many did.
    private static func encode(
        _ rows: [JSONTree], reserving reserved: Int, into writer: inout JSONWriter
    ) -> Int {
        var kept = 0
        writer.beginArray()
        for row in rows {
            let mark = writer.mark
            row.encode(into: &writer)
            let fits =
                !writer.overflowed && writer.room >= reserved
                && writer.tokens <= ActionLimits.answerTokensMax
            guard fits else {
                writer.rewind(to: mark)
                break
            }
            kept += 1
        }
        writer.endArray()
        return kept
    }

    /// The first rows as a JSON array, for hosts that parse what a command printed.
    func rowsText(_ count: Int, bytesMax: Int) -> String {
        JSONText.written(bytesMax: bytesMax) { writer in
            writer.beginArray()
            for row in rows.prefix(count) { row.encode(into: &writer) }
            writer.endArray()
        } ?? "[]"
    }
}

/// How an answer is put together so that its response fits in a frame.
extension ActionAnswer {
    /// A successful answer of `data` alone, with a line for people.
    static func of(
        _ document: ActionDocument, text: String = "", standardError: String = "",
        exitCode: Int32 = 0, success: Bool = true
    ) -> ActionAnswer {
        let output = text.cut(toBytes: ActionLimits.echoedBytesMax)
        let errors = standardError.cut(toBytes: ActionLimits.echoedBytesMax)
        let used = output.encodedBytes + errors.encodedBytes
        let data = document.encoded(bytesMax: max(0, ActionLimits.answerBytesMax - used))
        return ActionAnswer(
            standardOutput: output, standardError: errors, exitCode: exitCode, success: success,
            commandType: "safe", dataJSON: data.json)
    }

    /// The same with the rows as standard output too, which the host in the field parses.
    static func printing(_ document: ActionDocument, commandType: String) -> ActionAnswer {
        var bytesMax = ActionLimits.answerBytesMax / 2
        while true {
            let data = document.encoded(bytesMax: bytesMax)
            let output = document.rowsText(data.rowsKept, bytesMax: bytesMax)
            if data.json.utf8.count + output.encodedBytes <= ActionLimits.answerBytesMax {
                return ActionAnswer(
                    standardOutput: output, standardError: "", exitCode: 0, success: true,
                    commandType: commandType, dataJSON: data.json)
            }
            bytesMax = bytesMax * 3 / 4
        }
    }
}

extension String {
    /// Bytes of this text as a JSON string, by the widest escape of each byte that needs one.
    var encodedBytes: Int {
        utf8.reduce(2) { sum, byte in
            sum + (byte < 0x20 || byte == 0x7F ? 6 : byte == 0x22 || byte == 0x5C ? 2 : 1)
        }
    }

    /// The text's end when it is longer than `bytesMax`: what went wrong is printed last.
    func cut(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return self }
        var start = utf8.index(utf8.endIndex, offsetBy: -bytesMax)
        while start < utf8.endIndex, utf8[start] & 0xC0 == 0x80 { start = utf8.index(after: start) }
        return String(self[start...])
    }
}
