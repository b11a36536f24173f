import Foundation

/// A whole dialogue, as `Tests/Fixtures/transcripts` keeps them: one step a line, the first line
/// about it.
///
/// Texts that begin with `$` stand for what varies: `$TIME`, `$TEXT`, `$NUMBER` and `$ANY` for any
/// value of that kind, another name for the value that stood there first, in both directions.
struct Transcript {
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    private let name: String
    private let steps: [[String: Any]]
    private var values: [String: String] = [:]
    private var kept: [String: [UInt8]] = [:]
    /// Every line that the guest said.
    private(set) var said: [[UInt8]] = []

    init(named name: String) throws {
        self.name = name
        let text = try String(
            contentsOfFile: "\(Products.fixtures)/transcripts/\(name).jsonl", encoding: .utf8)
        steps = try text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            guard let step = object as? [String: Any] else {
                throw Mismatch(description: "\(name): no step: \(line)")
            }
            return step
        }
    }

    /// All of them, by name.
    static let names: [String] = {
        let files = try? FileManager.default.contentsOfDirectory(
            atPath: "\(Products.fixtures)/transcripts")
        return (files ?? []).filter { $0.hasSuffix(".jsonl") }.map { String($0.dropLast(6)) }
            .sorted()
    }()

    /// Plays the host's side to an agent that connects to `listener`.
    mutating func replay(to listener: Listener, keep: (Connection) -> Connection) throws {
        var host = keep(try listener.accept())
        for (number, step) in steps.enumerated().dropFirst() {
            do {
                if step["accept"] != nil {
                    host = keep(try listener.accept())
                } else {
                    try perform(step, host)
                }
            } catch {
                throw Mismatch(description: "\(name), line \(number + 1): \(error)")
            }
        }
    }

    private mutating func perform(_ step: [String: Any], _ host: Connection) throws {
        if let object = step["host"] {
            try host.send(try text(of: object) + "\n")
        } else if let raw = step["host_raw"] as? String {
            try host.send(raw)
            if let count = step["fill"] as? Int {
                try host.send([UInt8](repeating: UInt8(ascii: " "), count: count))
            }
        } else if step["guest_empty"] != nil {
            let line = try host.readLine()
            guard line.isEmpty else { throw Mismatch(description: "\(text(line)), not empty") }
        } else if let pattern = step["guest"] as? [String: Any] {
            try expect(pattern, step, try host.readLine(seconds: 8))
        } else if let milliseconds = step["silence_ms"] as? Int {
            try expectSilence(Double(milliseconds) / 1000, host)
        } else if let milliseconds = step["delay_ms"] as? Int {
            letPass(seconds: Double(milliseconds) / 1000)
        } else if step["close"] != nil {
            host.close()
        } else {
            throw Mismatch(description: "a step that says nothing: \(step)")
        }
    }

    private func expectSilence(_ seconds: Double, _ host: Connection) throws {
        do {
            let line = try host.readLine(seconds: seconds)
            throw Mismatch(description: "\(text(line)) came, and nothing should")
        } catch is TimedOut {}
    }

    private mutating func expect(
        _ pattern: [String: Any], _ step: [String: Any], _ line: [UInt8]
    ) throws {
        said.append(line)
        let message = try Message(line)
        if let difference = difference(pattern, message.members, at: "") {
            throw Mismatch(description: "\(difference) in \(text(line))")
        }
        if step["exact"] != nil, Set(pattern.keys) != Set(message.members.keys) {
            throw Mismatch(description: "other members: \(message.members.keys.sorted())")
        }
        for name in step["absent"] as? [String] ?? [] where message.members[name] != nil {
            throw Mismatch(description: "\(name) in \(text(line))")
        }
        if let name = step["keep"] as? String { kept[name] = line }
        if let name = step["same"] as? String, kept[name] != line {
            throw Mismatch(description: "other bytes than before: \(text(line))")
        }
    }

    /// What a message has that its pattern does not, or the other way round; members that the
    /// pattern does not name may be anything.
    private mutating func difference(_ pattern: Any, _ value: Any?, at path: String) -> String? {
        guard let value else { return "no \(path)" }
        if let members = pattern as? [String: Any] {
            guard let others = value as? [String: Any] else { return "\(path) is no object" }
            for (name, inner) in members.sorted(by: { $0.key < $1.key }) {
                if let found = difference(inner, others[name], at: "\(path)/\(name)") {
                    return found
                }
            }
            return nil
        }
        if let mark = pattern as? String, mark.hasPrefix("$") {
            return differenceFromMark(mark, value, at: path)
        }
        let isSame = (pattern as? NSObject)?.isEqual(value) == true
        return isSame ? nil : "\(path) is \(value), not \(pattern)"
    }

    private mutating func differenceFromMark(
        _ mark: String, _ value: Any, at path: String
    ) -> String? {
        switch mark {
        case "$ANY": return nil
        case "$NUMBER": return value is NSNumber ? nil : "\(path) is no number"
        case "$TEXT":
            return (value as? String)?.isEmpty == false ? nil : "\(path) is no text"
        case "$TIME":
            let form = /[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z/
            let isTime = (value as? String)?.wholeMatch(of: form) != nil
            return isTime ? nil : "\(path) is no time"
        default:
            guard let text = value as? String else { return "\(path) is no text" }
            guard let known = values[mark] else {
                values[mark] = text
                return nil
            }
            return known == text ? nil : "\(path) is \(text), not \(known) as before"
        }
    }

    /// A message of the host, with what is known in place of the marks.
    private func text(of object: Any) throws -> String {
        let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
        var text = String(decoding: data, as: UTF8.self)
        for (mark, value) in values {
            text = text.replacingOccurrences(of: "\"\(mark)\"", with: "\"\(value)\"")
        }
        return text
    }

    private func text(_ line: [UInt8]) -> String {
        String(decoding: line.prefix(300), as: UTF8.self)
    }
}
