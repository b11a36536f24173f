import TestSupport
import Testing

@testable import YAML

private func parse(_ text: String) throws -> YAMLNode {
    try YAML.parse(Array(text.utf8), file: "f.yaml")
}

/// What is said against a text; empty when nothing is.
private func complaint(_ text: String) -> String {
    do {
        _ = try parse(text)
        return ""
    } catch {
        return "\(error)"
    }
}

@Suite struct YAMLTests {
    @Test func scalarsListsAndMappingsComeWithTheirPlaces() throws {
        let root = try parse("a: 1\nb:\n  - \"x\"\n  - {c: true}\n")
        let fields = try root.fields(known: ["a", "b"])
        #expect(try fields["a"]?.integer(in: 0...9) == 1)
        let list = try #require(try fields["b"]?.elements())
        #expect(list.count == 2)
        #expect(list[0].content == .scalar("x", isPlain: false))
        #expect(list[1].place == YAMLPlace(file: "f.yaml", line: 4, column: 5))
        #expect(try list[1].fields(known: ["c"])["c"]?.bool() == true)
        #expect(fields.entries.map(\.place.line) == [1, 2])
    }

    @Test(arguments: ["", "# only this\n", "---\n", "---\n...\n"])
    func aFileWithoutContentIsAnEmptyMapping(text: String) throws {
        #expect(try parse(text).entries().isEmpty)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key \"a\" again, which stands in line 1 already"),
        ("x:\n  a: 1\n  \"a\": 3\n", "f.yaml:3:3: the key \"a\" again"),
        ("a: &n 1\nb: *n\n", "f.yaml:1:4: an anchor"),
        ("b: *n\n", "f.yaml:1:4: an alias"),
        ("a: !!str 1\n", "f.yaml:1:4: a tag"),
        ("a: !secret [1]\n", "f.yaml:1:4: a tag"),
        ("%YAML 1.1\n---\na: 1\n", "f.yaml:1:1: a directive"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key that is no name"),
        ("\"\": 1\n", "f.yaml:1:1: a key that is no name"), (": 1\n", "f.yaml:1:1: not YAML"),
        ("a: [1\n", "not YAML"),
        ("a: \"x\n", "not YAML"),
        ("a:\n\t- 1\n", "f.yaml:2:1: not YAML"),
        ("a: \"\\0\"\n", "f.yaml:1:4: a text with U+0000"),
        ("\u{FEFF}a: 1\n", "f.yaml:1:1: a byte order mark"),
    ])
    func surprisesAreRefused(text: String, expected: String) {
        let found = complaint(text)
        #expect(found.contains(expected), "\(found)")
        #expect(found.contains("; "), "a complaint says what to do: \(found)")
    }

    @Test func textThatIsNotUTF8IsRefusedAtItsPlace() {
        let bytes = Array("a: 1\nb: ".utf8) + [0xC3, 0x28, 0x0A]
        #expect(throws: YAMLError.self) { try YAML.parse(bytes, file: "f") }
        do {
            _ = try YAML.parse(bytes, file: "f")
        } catch {
            #expect("\(error)".hasPrefix("f:2:4: not UTF-8"))
        }
        // UTF-16 would be recognised by libyaml alone.
        #expect(throws: YAMLError.self) { try YAML.parse([0xFF, 0xFE, 0x61, 0x00], file: "f") }
    }

    @Test func depthIsLimited() throws {
        let most = YAMLLimits.depthMax
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(most))
        #expect(complaint(nested(most + 1)).contains("deeper than 16"))
        #expect(complaint(String(repeating: "[", count: 500_000)).contains("deeper than 16"))
    }

    /// libyaml's cost for directives grows with their square; without the check before it this test
    /// would take minutes.
    @Test func manyDirectivesCostNothing() {
        let text = "# x\n\n" + (0..<60_000).map { "%TAG !a\($0)! x\n" }.joined() + "---\n"
        #expect(complaint(text).hasPrefix("f.yaml:3:1: a directive"))
    }

    @Test func sizeIsLimited() throws {
        let least = "a: 1 #"
        let room = YAMLLimits.fileBytesMax - least.utf8.count
        _ = try parse(least + String(repeating: "x", count: room))
        #expect(
            complaint(least + String(repeating: "x", count: room + 1)).contains("1048576 bytes"))
        let many = "[" + String(repeating: "1,", count: YAMLLimits.nodesMax) + "]"
        #expect(complaint(many).contains("more than 65536 values"))
    }

    @Test(arguments: [
        ("intervall", "interval"), ("intreval", "interval"), ("vm-id", "vm_id"),
        ("INTERVAL", "interval"), ("nam", "name"),
    ])
    func theNearestKnownKeyIsNamed(word: String, expected: String) throws {
        let known = ["interval", "vm_id", "name", "policy"]
        #expect(nearestName(to: word, among: known) == expected)
        let root = try parse("name: x\n\(word): 3\n")
        let error = #expect(throws: YAMLError.self) { try root.fields(known: known) }
        #expect(
            "\(try #require(error))"
                == "f.yaml:2:1: unknown key \"\(word)\"; did you mean \"\(expected)\"?")
    }

    @Test func withoutANearKeyAllAreNamed() throws {
        let root = try parse("zzzzzz: 3\n")
        let error = #expect(throws: YAMLError.self) { try root.fields(known: ["b", "a"]) }
        #expect("\(try #require(error))".hasSuffix("known are a, b"))
    }

    @Test func valuesOfTheWrongTypeSayWhatIsExpected() throws {
        func first(_ text: String) throws -> YAMLNode { try parse("k: \(text)").entries()[0].value }
        for text in ["yes", "on", "True", "\"true\"", "1", ""] {
            #expect(throws: YAMLError.self, "\(text)") { try first(text).bool() }
        }
        for text in ["1.0", "0x1f", "\"1\"", "[1]", "", "1e3", "99999999999999999999"] {
            #expect(throws: YAMLError.self, "\(text)") { try first(text).integer(in: 0...9999) }
        }
        for text in ["nan", ".inf", "0x1p3", "\"1\"", "1e999", "-1"] {
            #expect(throws: YAMLError.self, "\(text)") { try first(text).number(in: 0...10) }
        }
        #expect(try first("1e1").number(in: 0...10) == 10)
        let error = #expect(throws: YAMLError.self) {
            try first("7").integer(in: 1...5, unit: "rows")
        }
        #expect(
            "\(try #require(error))"
                == "f.yaml:1:4: 7 is out of range; write a whole number from 1 to 5 rows")
    }

    /// Random bytes and random YAML-like text neither crash nor pass what has to be refused.
    @Test func randomTextNeverCrashes() {
        var random = SeededRandom()
        let parts = [
            "a", "b", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "\"", "'", "&x ", "*x",
            "!t ",
            "|\n", ">\n", "#", "---\n", "...\n", "? ", "%", "\u{e9}", "\\", "\t", "1",
        ]
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<random.below(40) { text += parts.randomElement(using: &random)! }
            if let root = try? parse(text) {
                #expect(root.place.line >= 1, "seed \(random.seed)")
            }
        }
    }
}
