import Foundation

/// A file of Tests/Fixtures/port-scripts, which has the steps of a guest and a host, and what each
/// step sees. Tests/VirtualMachine/test_model.py plays the same file on the real port.
struct PortScript: Decodable {
    struct Step: Decodable {
        var verb: String
        /// Which of the guest's descriptors; `nil` is the usual one.
        var fd: String?
        var bytes: Int?
        var text: String?
        /// A name under which a later step can ask for what this one saw.
        var name: String?
        var gives: Expectation?
        var times: Int?
        var steps: [Step]?

        enum CodingKeys: String, CodingKey {
            case verb = "do"
            case name = "as"
            case fd, bytes, text, gives, times, steps
        }
    }

    /// A number, a range of numbers, a word, or `$NAME` with a number to take away.
    enum Expectation: Decodable {
        case exactly(Int)
        case within(ClosedRange<Int>)
        case word(String)
        case same(name: String, less: Int)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .exactly(number)
            } else if let bounds = try? container.decode([Int].self) {
                self = .within(bounds[0]...bounds[1])
            } else {
                let word = try container.decode(String.self)
                guard word.hasPrefix("$") else {
                    self = .word(word)
                    return
                }
                let parts = word.dropFirst().split(separator: "-")
                self = .same(
                    name: String(parts[0]), less: parts.count > 1 ? Int(parts[1])! : 0)
            }
        }
    }

    var fact: String
    var steps: [Step]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/port-scripts")

    static let names: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasSuffix(".json") }.sorted()
    }()

    static func load(_ name: String) throws -> PortScript {
        let data = try Data(contentsOf: folder.appending(path: name))
        return try JSONDecoder().decode(PortScript.self, from: data)
    }
}
