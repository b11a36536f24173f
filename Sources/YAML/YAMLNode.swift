/// A value of a file, and where it stands.
public struct YAMLNode: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    public let place: YAMLPlace
    public let content: Content

    public init(place: YAMLPlace, content: Content) {
        self.place = place
        self.content = content
    }

    /// A complaint about this value.
    public func error(_ problem: String, _ remedy: String) -> YAMLError {
        YAMLError(place, problem, remedy)
    }
}

/// One key of a mapping and its value.
public struct YAMLEntry: Hashable, Sendable {
    public let key: String
    public let place: YAMLPlace
    public let value: YAMLNode

    public init(key: String, place: YAMLPlace, value: YAMLNode) {
        self.key = key
        self.place = place
        self.value = value
    }
}

extension YAMLNode {
    /// What this is, for messages.
    public var kind: String {
        switch content {
        case .scalar("", isPlain: true): "nothing"
        case .scalar(let text, _): "\"\(text.shown)\""
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    private func mismatch(_ wanted: String) -> YAMLError {
        error("\(kind) is not \(wanted)", "write that")
    }

    /// A text that is not empty.
    public func string() throws(YAMLError) -> String {
        guard case .scalar(let text, _) = content, !text.isEmpty else { throw mismatch("a text") }
        return text
    }

    /// A text that may be empty when it is quoted.
    public func stringOrEmpty() throws(YAMLError) -> String {
        if case .scalar("", isPlain: false) = content { return "" }
        return try string()
    }

    /// `true` or `false`. YAML 1.1's `yes`, `on` and the like are refused: they are also words.
    public func bool() throws(YAMLError) -> Bool {
        switch content {
        case .scalar("true", isPlain: true): return true
        case .scalar("false", isPlain: true): return false
        default: throw mismatch("true or false")
        }
    }

    /// A whole number in decimal digits.
    public func integer(in range: ClosedRange<Int>, unit: String = "") throws(YAMLError) -> Int {
        let wanted = Self.describe(
            "a whole number", "\(range.lowerBound)", "\(range.upperBound)", unit)
        guard case .scalar(let text, isPlain: true) = content, let number = Int(text) else {
            throw mismatch(wanted)
        }
        guard range.contains(number) else {
            throw error("\(number) is out of range", "write \(wanted)")
        }
        return number
    }

    /// A number in decimal digits, such as 0.5 or 1e3.
    public func number(
        in range: ClosedRange<Double>, unit: String = ""
    ) throws(YAMLError) -> Double {
        let wanted = Self.describe(
            "a number", Self.shortest(range.lowerBound), Self.shortest(range.upperBound), unit)
        guard case .scalar(let text, isPlain: true) = content, let number = decimal(text) else {
            throw mismatch(wanted)
        }
        guard range.contains(number) else {
            throw error("\(text.shown) is out of range", "write \(wanted)")
        }
        return number
    }

    /// `30` for 30.0.
    private static func shortest(_ number: Double) -> String {
        Int64(exactly: number).map { "\($0)" } ?? "\(number)"
    }

    private static func describe(
        _ what: String, _ lower: String, _ upper: String, _ unit: String
    ) -> String {
        "\(what) from \(lower) to \(upper)\(unit.isEmpty ? "" : " \(unit)")"
    }

    /// The elements of a list.
    public func elements() throws(YAMLError) -> [YAMLNode] {
        guard case .sequence(let nodes) = content else { throw mismatch("a list") }
        return nodes
    }

    /// A list of texts; one text alone is a list of one.
    public func strings() throws(YAMLError) -> [String] {
        if case .scalar = content { return [try string()] }
        var texts: [String] = []
        for node in try elements() { texts.append(try node.string()) }
        return texts
    }

    /// The keys and values of a mapping, in the file's order.
    public func entries() throws(YAMLError) -> [YAMLEntry] {
        guard case .mapping(let entries) = content else { throw mismatch("a mapping") }
        return entries
    }

    /// The values of a mapping by their keys, none of which may be another than those `known`.
    public func fields(known: [String]) throws(YAMLError) -> YAMLFields {
        let entries = try entries()
        for entry in entries where !known.contains(entry.key) {
            throw .unknownKey(entry.key, at: entry.place, known: known)
        }
        return YAMLFields(place: place, entries: entries)
    }
}

extension YAMLError {
    /// For a key that nobody knows: the nearest one that somebody does.
    public static func unknownKey(
        _ key: String, at place: YAMLPlace, known: [String]
    ) -> YAMLError {
        YAMLError(place, "unknown key \"\(key.shown)\"", suggestion(for: key, known: known))
    }

    /// `did you mean ...?` where something is near, and what there is otherwise.
    public static func suggestion(for word: String, known: [String]) -> String {
        if let nearest = nearestName(to: word, among: known) {
            return "did you mean \"\(nearest)\"?"
        }
        return "known are " + known.sorted().joined(separator: ", ")
    }
}

/// The values of a mapping whose keys are all known.
public struct YAMLFields: Sendable {
    public let place: YAMLPlace
    public let entries: [YAMLEntry]

    /// `nil` when the key is not there.
    public subscript(_ key: String) -> YAMLNode? {
        entries.first { $0.key == key }?.value
    }

    /// - Throws: an error at the mapping's place when the key is not there.
    public func required(_ key: String) throws(YAMLError) -> YAMLNode {
        guard let node = self[key] else {
            throw YAMLError(place, "no \"\(key)\" here", "add \"\(key): ...\"")
        }
        return node
    }
}

/// A finite number in decimal digits; `nil` for what else Swift takes for one (`nan`, `0x1p3`).
public func decimal(_ text: String) -> Double? {
    let isDecimal = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
    guard isDecimal, let number = Double(text), number.isFinite else { return nil }
    return number
}
