import IOEngine

/// One result: named values, as a line of JSON or as a small table.
public struct Row: Sendable {
    public enum Value: Sendable {
        case text(String)
        case count(UInt64)
        case number(Double)
    }

    public private(set) var fields: [(name: String, value: Value)] = []

    init(_ command: String) {
        add("command", .text(command))
    }

    mutating func add(_ name: String, _ value: Value) {
        fields.append((name, value))
    }

    public subscript(name: String) -> Value? {
        fields.first { $0.name == name }?.value
    }

    /// One JSON object on one line, without its newline. Every text in it is of this program's own.
    public var json: String {
        let members = fields.map { field in
            switch field.value {
            case .text(let text): "\"\(field.name)\":\"\(text)\""
            case .count(let count): "\"\(field.name)\":\(count)"
            case .number(let number): "\"\(field.name)\":\(decimal(number, digits: 6))"
            }
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// A line for each value, aligned, for people.
    public var table: String {
        let width = fields.map(\.name.count).max() ?? 0
        return fields.map { field in
            let name = String(field.name.map { $0 == "_" ? " " : $0 })
            let space = String(repeating: " ", count: width - name.count + 2)
            switch field.value {
            case .text(let text): return name + space + text + "\n"
            case .count(let count): return name + space + grouped(count) + "\n"
            case .number(let number) where number >= 1000:
                return name + space + grouped(UInt64(number)) + "\n"
            case .number(let number): return name + space + decimal(number, digits: 4) + "\n"
            }
        }.joined()
    }
}

/// A number with at most so many decimals, never with an exponent; 0 for what is no number.
func decimal(_ number: Double, digits: Int) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "0" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    // Above 1e9 decimals would only pretend.
    guard abs(number) < 1e9 else { return "\(Int64(number))" }
    let scaled = Int64((abs(number) * scale).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    let whole = scaled / Int64(scale)
    guard digits > 0 else { return sign + "\(whole)" }
    var rest = "\(scaled % Int64(scale))"
    rest = String(repeating: "0", count: digits - rest.count) + rest
    while rest.last == "0" { rest.removeLast() }
    return sign + "\(whole)" + (rest.isEmpty ? "" : "." + rest)
}

/// `1234567` as `1,234,567`.
func grouped(_ count: UInt64) -> String {
    var digits: [Character] = []
    for (place, digit) in "\(count)".reversed().enumerated() {
        if place > 0 && place.isMultiple(of: 3) { digits.append(",") }
        digits.append(digit)
    }
    return String(digits.reversed())
}

extension Row {
    /// The row of a stream of frames.
    static func throughput(_ command: String, frames: UInt64, bytes: UInt64, _ cost: Cost) -> Row {
        var row = Row(command)
        row.add("frames", .count(frames))
        row.add("bytes", .count(bytes))
        row.add("seconds", .number(cost.seconds))
        row.add("frames_per_second", .number(Double(frames) / max(cost.seconds, 1e-9)))
        row.add("bytes_per_second", .number(Double(bytes) / max(cost.seconds, 1e-9)))
        row.add("cpu_seconds", .number(cost.cpuSeconds))
        row.add("engine", .text(cost.engine.rawValue))
        row.add("system_calls", .count(cost.systemCalls))
        row.add(
            "system_calls_per_frame", .number(Double(cost.systemCalls) / Double(max(frames, 1))))
        return row
    }
}
