import Testing

@testable import Wire

@Suite struct JSONParserTests {
    @Test func valuesAreReadByTypeAndNothingIsConverted() throws {
        try parse(#"{"s":"x","n":1,"d":1.5,"t":true,"f":false,"z":null,"a":[1],"o":{"k":2}}"#) {
            root in
            var members = root.members
            #expect(root.count == 8)
            #expect(members.string("s") == "x")
            #expect(members.integer("n") == 1)
            #expect(members.number("d") == 1.5)
            #expect(members.bool("t") == true)
            #expect(members.bool("f") == false)
            #expect(members.value("z").isNull == true)
            #expect(members.value("a").type == .array)
            #expect(members.value("o").type == .object)
            #expect(members.integer("s") == nil)
            #expect(members.string("n") == nil)
            #expect(members.integer("d") == nil)
            #expect(members.bool("n") == nil)
            #expect(members.number("t") == nil)
            #expect(members.value("t").type == .boolean)
            #expect(members.value("z").string == nil)
            #expect(members.value("s").count == 0)
        }
    }

    @Test func membersAreFoundInAnyOrder() throws {
        try parse(#"{"a":1,"b":{"x":[1,2,{}]},"c":3,"d":4.5,"e":"five"}"#) { root in
            var members = root.members
            for _ in 0..<2 {
                #expect(members.string("e") == "five")
                #expect(members.integer("a") == 1)
                #expect(members.number("d") == 4.5)
                #expect(members.integer("c") == 3)
                #expect(members.value("f").exists == false)
                #expect(members.value("b").count == 1)
                #expect(members.value("").exists == false)
            }
            #expect(root.member("c")?.integer == 3)
            #expect(root.member("C")?.integer == nil)
        }
    }

    @Test func iterationVisitsEachMemberAndElementOnce() throws {
        try parse(#"{"a":[1,[2,3],{"b":4},"five",6.5,null],"c":{},"d":[]}"#) { root in
            var names: [String] = []
            var members = root.members
            while let member = members.next() { names.append(member.name.string ?? "?") }
            #expect(names == ["a", "c", "d"])

            var types: [JSONType] = []
            if let array = root.member("a") {
                #expect(array.count == 6)
                var elements = array.elements
                while let element = elements.next() { types.append(element.type) }
            }
            #expect(types == [.number, .array, .object, .string, .number, .null])
            for name in ["c", "d"] as [StaticString] {
                guard let empty = root.member(name) else { continue }
                var elements = empty.elements
                var members = empty.members
                #expect(elements.next()?.type == nil)
                #expect(members.next()?.value.type == nil)
            }
        }
    }

    @Test func whatIsMissingLeadsToNothing() throws {
        let parser = try JSONParser()
        let root = parser.root
        #expect(root.type == .missing)
        #expect(root.exists == false)
        #expect(root.isNull == false)
        #expect(root.string == nil)
        #expect(root.number == nil)
        #expect(root.integer == nil)
        #expect(root.unsigned == nil)
        #expect(root.bool == nil)
        #expect(root.member("a")?.type == nil)
        var elements = root.elements
        #expect(elements.next()?.type == nil)
        var members = root.members
        #expect(members.next()?.value.type == nil)
        var deeper = members.value("a").members
        #expect(deeper.string("b") == nil)
    }

    @Test func aParserForgetsTheTextBefore() throws {
        var parser = try JSONParser()
        let texts = [#"{"a":1}"#, "{", #"{"a":2}"#].map { Array($0.utf8) }
        try parser.parse(texts[0])
        #expect(parser.root.member("a")?.integer == 1)
        #expect(throws: JSONError.notJSON) { try parser.parse(texts[1]) }
        #expect(parser.root.type == .missing)
        try parser.parse(texts[2])
        #expect(parser.root.member("a")?.integer == 2)
    }

    /// The bytes behind a frame are another frame's: they must not be taken for its own.
    @Test(arguments: [
        ("1", "2345", true), ("[1", "]", false), (#"{"a":"b"#, #""}"#, false), ("tru", "e", false),
        (#"{"a":1}"#, #"{"a":2}"#, true), ("-", "1", false), ("1.5", "e3", true),
        (#""\u00"#, #"41""#, false), (#""é""#, "\"", true),
    ])
    func whatFollowsAFrameIsNotRead(frame: String, behind: String, isJSON: Bool) throws {
        let count = frame.utf8.count
        for padding in [behind.utf8.count, 63, 64, 65, 200] {
            var bytes = Array((frame + behind).utf8)
            while bytes.count < count + padding { bytes.append(UInt8(ascii: "7")) }
            var parser = try JSONParser()
            do throws(JSONError) {
                try parser.parse(bytes, count: count)
                #expect(isJSON, "\(frame) with \(padding) bytes behind it")
            } catch {
                #expect(!isJSON, "\(frame) with \(padding) bytes behind it: \(error)")
            }
            if frame == "1" { #expect(parser.root.integer == 1) }
            if frame == "1.5" { #expect(parser.root.number == 1.5) }
        }
    }

    @Test func parsingInPlaceAndFromACopyGiveTheSame() throws {
        let text = Array(try fixture("wire-golden/metrics.json").utf8.dropLast())
        let padded = text + [UInt8](repeating: 0x22, count: JSONParser.paddingBytes)
        var parser = try JSONParser()
        var results: [String] = []
        try parser.parse(text)
        results.append("\(GuestMessage(parser.root))")
        try parser.parse(padded, count: text.count)
        results.append("\(GuestMessage(parser.root))")
        #expect(results[0] == results[1])
        #expect(results[0].contains("fixture-host"))
    }
}
