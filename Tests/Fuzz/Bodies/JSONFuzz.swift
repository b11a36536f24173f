import Wire

/// The strict reader against the plain one: the same texts, the same trees, and what the writer
/// makes of a tree is read as that tree again.
enum JSONFuzz {
    /// Texts beyond it are in the tests of limits: here every byte should count.
    static let bytesMax = 65_000

    static func run(_ input: [UInt8]) {
        guard input.count <= bytesMax else { return }
        let expected = ReferenceJSON.parse(input)
        let found = read(input)
        promise(found == expected, "\(found.map(\.text) ?? "refused"), not \(expected?.text ?? "")")
        guard let found else { return }
        let again = write(found)
        promise(
            read(again) == rounded(found), "written as \(String(decoding: again, as: UTF8.self))")
    }

    nonisolated(unsafe) private static var parser = try! JSONParser()

    static func read(_ bytes: [UInt8]) -> ReferenceJSON.Tree? {
        guard (try? parser.parse(bytes.span.bytes)) != nil else {
            promise(!parser.root.exists, "something is seen of a text that was refused")
            return nil
        }
        return tree(parser.root)
    }

    private static func tree(_ value: JSONValue) -> ReferenceJSON.Tree {
        switch value.type {
        case .null: return .null
        case .boolean: return .bool(value.bool!)
        case .string: return .string(Array(value.string!.utf8))
        case .number: return number(value)
        case .array:
            var trees: [ReferenceJSON.Tree] = []
            var elements = value.elements
            while let element = elements.next() { trees.append(tree(element)) }
            promise(trees.count == value.count, "another count")
            return .array(trees)
        case .object:
            var members: [(name: [UInt8], value: ReferenceJSON.Tree)] = []
            var rest = value.members
            while let member = rest.next() {
                members.append((Array(member.name.string!.utf8), tree(member.value)))
            }
            return .object(members)
        case .missing: fatalError("a value that is none")
        }
    }

    private static func number(_ value: JSONValue) -> ReferenceJSON.Tree {
        if let number = value.integer { return .integer("\(number)") }
        if let number = value.unsigned { return .integer("\(number)") }
        return .double(value.number!.bitPattern)
    }

    private static func write(_ tree: ReferenceJSON.Tree) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 16 * bytesMax)
        var count = 0
        do {
            var span = bytes.mutableSpan
            var writer = JSONWriter(span.mutableBytes)
            write(tree, into: &writer)
            promise(!writer.overflowed, "no room for what had come in less")
            count = writer.count
        }
        return Array(bytes[..<count])
    }

    private static func write(_ tree: ReferenceJSON.Tree, into writer: inout JSONWriter) {
        switch tree {
        case .null: writer.null()
        case .bool(let truth): writer.value(truth)
        case .integer(let digits):
            if let number = Int64(digits) {
                writer.value(number)
            } else {
                writer.value(UInt64(digits)!)
            }
        case .double(let bits): writer.value(Double(bitPattern: bits))
        case .string(let text): writer.value(String(decoding: text, as: UTF8.self))
        case .array(let trees):
            writer.beginArray()
            for tree in trees { write(tree, into: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for (name, value) in members {
                writer.key(String(decoding: name, as: UTF8.self))
                write(value, into: &writer)
            }
            writer.endObject()
        }
    }

    /// What the writer keeps of a double: three decimals, and whole ones without any.
    private static func rounded(_ tree: ReferenceJSON.Tree) -> ReferenceJSON.Tree {
        switch tree {
        case .double(let bits): roundedNumber(Double(bitPattern: bits))
        case .array(let trees): .array(trees.map(rounded))
        case .object(let members): .object(members.map { ($0.name, rounded($0.value)) })
        default: tree
        }
    }

    private static func roundedNumber(_ number: Double) -> ReferenceJSON.Tree {
        guard number.magnitude < 0x1p63 else { return .double(number.bitPattern) }
        var whole = UInt64(number.magnitude)
        var thousandths = UInt64((number.magnitude - Double(whole)) * 1000 + 0.5)
        if thousandths == 1000 { (whole, thousandths) = (whole + 1, 0) }
        let sign = number < 0 && (whole | thousandths) != 0 ? "-" : ""
        guard thousandths > 0 else { return .integer("\(sign)\(whole)") }
        let digits = String(repeating: "0", count: 3 - "\(thousandths)".count) + "\(thousandths)"
        return .double(Double("\(sign)\(whole).\(digits)")!.bitPattern)
    }
}
