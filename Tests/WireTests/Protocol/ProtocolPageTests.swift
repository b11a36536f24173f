import Foundation
import Testing

@testable import Wire

/// The page against the tests, the schemas and the types: none has something that another lacks.
@Suite struct ProtocolPageTests {
    @Test func theStatementsAreNumberedWithoutAGap() throws {
        let numbers = ProtocolPage.numbers(in: try ProtocolPage.text(), after: "**P-")
        #expect(numbers == Array(1...numbers.count))
        #expect(numbers.count >= 65)
    }

    /// A test carries a number in its name, `@Test("P-12 ...")`, and a transcript in its first line.
    @Test func everyStatementHasATestAndEveryTestItsStatement() throws {
        let stated = Set(ProtocolPage.numbers(in: try ProtocolPage.text(), after: "**P-"))
        var tested: Set<Int> = []
        for file in try ProtocolPage.tests() {
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let isTest = line.contains("@Test(\"P-") || line.contains("{\"statements\":")
                let isName = line.drop { $0 == " " }.hasPrefix("\"P-")
                guard isTest || isName else { continue }
                let found = ProtocolPage.numbers(in: String(line), after: "P-")
                #expect(stated.isSuperset(of: found), "\(file.lastPathComponent): \(line)")
                tested.formUnion(found)
            }
        }
        #expect(stated.subtracting(tested).sorted() == [], "statements without a test")
    }

    @Test(arguments: ["guest", "host"])
    func everyMemberOfASchemaStandsOnThePage(side: String) throws {
        let page = try ProtocolPage.text()
        let part = try #require(page.components(separatedBy: "## Messages of the \(side)\n").last)
        let sections = part.components(separatedBy: "\n## ")[0].components(separatedBy: "#### ")
        var described: Set<String> = []
        for section in sections.dropFirst() {
            let name = String(section.prefix { $0 != "\n" })
            described.insert(name)
            let schema = try Schemas.object(side, name)
            let properties = try #require(schema["properties"] as? [String: Any])
            for member in properties.keys where member != "type" {
                #expect(section.contains("| `\(member)` |"), "\(name) lacks \(member)")
            }
        }
        #expect(described == Set(try Schemas.names(side)))
    }

    @Test func everyTypeThatIsReadOrWrittenHasASchema() throws {
        let host = Set(try Schemas.names("host"))
        let known = Command.Kind.allCases.map(\.rawValue).filter { host.contains($0) }
        #expect(known.count >= 3)
        let guest = Set(try Schemas.names("guest"))
        for message in MessageSamples.guest { #expect(guest.contains(message.type), "\(message)") }
        for message in MessageSamples.host { #expect(host.contains(message.type), "\(message)") }
        // And the other way round: each schema has at least one message that it is tried on.
        #expect(Set(MessageSamples.guest.map(\.type)) == guest)
        #expect(Set(MessageSamples.host.map(\.type)) == host)
    }
}
