/// A reader of RFC 8259 written from its grammar, slow and plain, to judge the real one by.
struct ReferenceJSON {
    indirect enum Tree: Equatable {
        case null
        case bool(Bool)
        case integer(String)
        case double(UInt64)
        case string([UInt8])
        case array([Tree])
        case object([(name: [UInt8], value: Tree)])

        static func == (one: Tree, other: Tree) -> Bool { one.text == other.text }

        /// The same text for the same tree.
        var text: String {
            switch self {
            case .null: "n"
            case .bool(let truth): truth ? "t" : "f"
            case .integer(let digits): "i\(digits)"
            case .double(let bits): "d\(bits)"
            case .string(let bytes): "s\(bytes)"
            case .array(let trees): "[\(trees.map(\.text).joined(separator: ","))]"
            case .object(let members):
                "{\(members.map { "\($0.name):\($0.value.text)" }.joined(separator: ","))}"
            }
        }
    }

    struct Refused: Error {}

    static let depthMax = 64

    private let bytes: [UInt8]
    private var at = 0
    private var depth = 0

    /// `nil` for what has to be refused.
    static func parse(_ bytes: [UInt8]) -> Tree? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = ReferenceJSON(bytes: bytes)
        return try? reader.text()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func text() throws -> Tree {
        let tree = try value()
        space()
        guard next == nil else { throw Refused() }
        return tree
    }

    private mutating func space() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { at += 1 }
    }

    private mutating func take(_ text: StaticString) throws {
        for byte in text.withUTF8Buffer({ Array($0) }) {
            guard next == byte else { throw Refused() }
            at += 1
        }
    }

    private mutating func isTaken(_ byte: Character) -> Bool {
        guard next == byte.asciiValue else { return false }
        at += 1
        return true
    }

    private mutating func value() throws -> Tree {
        space()
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try take("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try take("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try take("null")
            return .null
        default: return try number()
        }
    }

    private mutating func enter() throws {
        at += 1
        depth += 1
        guard depth <= Self.depthMax else { throw Refused() }
        space()
    }

    private mutating func array() throws -> Tree {
        try enter()
        defer { depth -= 1 }
        var trees: [Tree] = []
        if isTaken("]") { return .array(trees) }
        while true {
            trees.append(try value())
            space()
            if isTaken("]") { return .array(trees) }
            guard isTaken(",") else { throw Refused() }
        }
    }

    private mutating func object() throws -> Tree {
        try enter()
        defer { depth -= 1 }
        var members: [(name: [UInt8], value: Tree)] = []
        var names: Set<[UInt8]> = []
        if isTaken("}") { return .object(members) }
        while true {
            space()
            let name = try string()
            guard names.insert(name).inserted else { throw Refused() }
            space()
            guard isTaken(":") else { throw Refused() }
            members.append((name, try value()))
            space()
            if isTaken("}") { return .object(members) }
            guard isTaken(",") else { throw Refused() }
        }
    }

    // MARK: Strings and numbers

    private mutating func string() throws -> [UInt8] {
        guard isTaken("\"") else { throw Refused() }
        var text: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return text
            case ..<0x20: throw Refused()
            case UInt8(ascii: "\\"): text += try escape()
            default: text.append(byte)
            }
        }
        throw Refused()
    }

    private mutating func escape() throws -> [UInt8] {
        guard let letter = next else { throw Refused() }
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try scalar()
        default: throw Refused()
        }
    }

    private mutating func scalar() throws -> [UInt8] {
        var code = try unit()
        if (0xD800...0xDBFF).contains(code) {
            try take("\\u")
            let low = try unit()
            guard (0xDC00...0xDFFF).contains(low) else { throw Refused() }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw Refused() }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func unit() throws -> UInt32 {
        guard at + 4 <= bytes.count else { throw Refused() }
        let digits = bytes[at..<(at + 4)]
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
            throw Refused()
        }
        at += 4
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)!
    }

    private mutating func digits() throws {
        let start = at
        while let byte = next, (0x30...0x39).contains(byte) { at += 1 }
        guard at > start else { throw Refused() }
    }

    private mutating func number() throws -> Tree {
        let start = at
        _ = isTaken("-")
        if !isTaken("0") { try digits() }
        var isInteger = true
        if isTaken(".") {
            isInteger = false
            try digits()
        }
        if isTaken("e") || isTaken("E") {
            isInteger = false
            if !isTaken("+") { _ = isTaken("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isInteger {
            if let number = Int64(text) { return .integer("\(number)") }
            guard let number = UInt64(text) else { throw Refused() }
            return .integer("\(number)")
        }
        guard let number = Double(text), number.isFinite else { throw Refused() }
        // Whole ones that have lost no digit are as good as integers.
        if number.magnitude < 0x1p53, number.rounded() == number {
            return .integer("\(Int64(number))")
        }
        return .double(number.bitPattern)
    }
}
