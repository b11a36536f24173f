import Foundation
import Testing

@testable import Wire

/// Messages against the schema files, by a validator of JSON Schema that is not ours.
@Suite struct SchemaTests {
    @Test func everyMessageThatWeWriteKeepsItsSchema() throws {
        var messages = MessageSamples.guest.map { (side: "guest", text: $0.text) }
        messages += MessageSamples.host.map { (side: "host", text: $0.text) }
        let files = [
            ("guest", "handshake.jsonl"), ("guest", "guest.jsonl"), ("guest", "errors.jsonl"),
            ("guest", "metrics.json"), ("guest", "notices.jsonl"), ("guest", "metrics-batch.jsonl"),
            ("host", "host.jsonl"), ("host", "commands.jsonl"),
        ]
        for (side, file) in files {
            for line in try fixture("wire-golden/\(file)").split(separator: "\n") {
                messages.append((side, String(line)))
            }
        }
        let complaints = try Schemas.complaints(messages)
        for (message, complaint) in zip(messages, complaints) {
            #expect(complaint.isEmpty, "\(message.text.prefix(200))")
        }
    }

    /// Each member of each message in turn: taken away where it must be there, and replaced by a
    /// value of no type that any member has.
    @Test func everyBrokenMessageFailsItsSchema() throws {
        var broken: [(side: String, text: String)] = []
        for (side, samples) in [("guest", MessageSamples.guest), ("host", MessageSamples.host)] {
            for sample in samples {
                let object = try JSONSerialization.jsonObject(with: Data(sample.text.utf8))
                let members = try #require(object as? [String: Any])
                let schema = try Schemas.object(side, sample.type)
                let properties = try #require(schema["properties"] as? [String: [String: Any]])
                for name in try #require(schema["required"] as? [String]) {
                    var rest = members
                    rest.removeValue(forKey: name)
                    broken.append((side, try Self.text(rest)))
                }
                for name in members.keys {
                    guard let type = properties[name]?["type"] else { continue }
                    var other = members
                    let isFree = (type as? String) == nil && (type as? [String])?.isEmpty != false
                    guard !isFree else { continue }
                    other[name] = (type as? String) == "boolean" ? "true" : true
                    broken.append((side, try Self.text(other)))
                }
            }
        }
        #expect(broken.count > 300)
        for (message, complaint) in zip(broken, try Schemas.complaints(broken)) {
            #expect(!complaint.isEmpty, "\(message.text.prefix(200))")
        }
    }

    @Test func aBrokenMemberInsideIsFoundToo() throws {
        let metrics = try #require(MessageSamples.guest.first { $0.type == "metrics" }).text
        var broken: [(side: String, text: String)] = []
        for (of, with) in [
            ("\"usage_percent\":", "\"usage_percent\":\"x\",\"_\":"), ("\"pid\":", "\"pid\":-"),
            ("\"is_up\":true", "\"is_up\":1"), ("\"timestamp\":\"2026", "\"timestamp\":\"26"),
            ("\"total_kb\":", "\"total_kb\":1.5,\"_\":"),
            ("\"ip_addresses\":[", "\"ip_addresses\":[7,"),
            ("\"network\":", "\"networks\":"),
        ] {
            let range = try #require(metrics.range(of: of), "\(of)")
            broken.append(("guest", metrics.replacingCharacters(in: range, with: with)))
        }
        for (message, complaint) in zip(broken, try Schemas.complaints(broken)) {
            #expect(!complaint.isEmpty, "\(message.text.prefix(300))")
        }
    }

    private static func text(_ members: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
    }
}
