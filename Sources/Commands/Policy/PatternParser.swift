/// Takes an ``ArgumentPattern`` to pieces.
struct PatternParser {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var found: [ArgumentPattern.State] = []

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    mutating func states() throws(PatternError) -> [ArgumentPattern.State] {
        guard text.utf8.count <= PolicyLimits.patternBytesMax else {
            throw PatternError(
                "a pattern of more than \(PolicyLimits.patternBytesMax) bytes", "shorten it")
        }
        while let scalar = take() {
            switch scalar {
            case "*": star()
            case "?": try repeated(.anyButSlash)
            case "[": try repeated(try set())
            case "\\": try escaped()
            case "^", "$", "(", ")", "|":
                throw PatternError(
                    "an unquoted \(scalar) in a pattern",
                    "a pattern always matches from start to end, and alternatives are a list: "
                        + "leave it out, or write \\\(scalar) for the character")
            case "{", "}", "]":
                throw PatternError(
                    "a \(scalar) that belongs to nothing", "write \\\(scalar) for the character")
            default:
                guard !scalar.isControl else {
                    throw PatternError("a control character in a pattern", "leave it out")
                }
                found.append(.init(matcher: .literal(scalar)))
            }
            guard found.count <= PolicyLimits.patternStatesMax else {
                throw PatternError(
                    "the pattern repeats more than \(PolicyLimits.patternStatesMax) times in all",
                    "use smaller numbers in {...}")
            }
        }
        return found
    }

    private mutating func take() -> Unicode.Scalar? {
        guard place < scalars.count else { return nil }
        place += 1
        return scalars[place - 1]
    }

    private var following: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func star() {
        var matcher = ArgumentPattern.Matcher.anyButSlash
        while following == "*" {
            place += 1
            matcher = .anything
        }
        found.append(.init(matcher: matcher, isOptional: true, repeats: true))
    }

    private mutating func escaped() throws(PatternError) {
        guard let scalar = take(), !scalar.isControl else {
            throw PatternError("a backslash with nothing behind it", "write \\\\ for a backslash")
        }
        found.append(.init(matcher: .literal(scalar)))
    }

    /// What is behind `[`, up to its `]`.
    private mutating func set() throws(PatternError) -> ArgumentPattern.Matcher {
        var bits: (low: UInt64, high: UInt64) = (0, 0)
        func insert(_ value: UInt32) {
            if value < 64 {
                bits.low |= 1 << UInt64(value)
            } else {
                bits.high |= 1 << UInt64(value - 64)
            }
        }
        let isNegated = following == "^" || following == "!"
        guard !isNegated else {
            throw PatternError("a negated set", "list the characters that are allowed instead")
        }
        while let scalar = take(), scalar != "]" {
            var first = scalar
            if scalar == "\\", let quoted = take() { first = quoted }
            guard first.isASCII, !first.isControl else {
                throw PatternError(
                    "a character in [...] that is no printable ASCII", "write it outside of the set"
                )
            }
            guard following == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else {
                insert(first.value)
                continue
            }
            place += 1
            guard let last = take(), last.isASCII, first.value <= last.value, last != "\\" else {
                throw PatternError(
                    "a range in [...] that goes backwards or beyond ASCII", "write it as [a-z]")
            }
            for value in first.value...last.value { insert(value) }
        }
        guard scalars[place - 1] == "]", bits != (0, 0) else {
            throw PatternError(
                "a [ without its ] or with nothing in it", "write [a-z], or \\[ for the character")
        }
        return .set(low: bits.low, high: bits.high)
    }

    /// A matcher and the `{m,n}` behind it.
    private mutating func repeated(
        _ matcher: ArgumentPattern.Matcher
    ) throws(PatternError) {
        if following == "*" || following == "+" {
            throw PatternError(
                "a \(following!) behind a set or ?",
                "write how often, as in [a-z]{1,32}, or \\\(following!) for the character")
        }
        var range = 1...1
        if following == "{" {
            place += 1
            range = try counts()
        }
        for index in 0..<range.upperBound {
            found.append(.init(matcher: matcher, isOptional: index >= range.lowerBound))
        }
    }

    private mutating func counts() throws(PatternError) -> ClosedRange<Int> {
        var inside = ""
        while let scalar = take(), scalar != "}" { inside.unicodeScalars.append(scalar) }
        let parts = inside.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil
        }
        guard scalars[place - 1] == "}", numbers.count == parts.count,
            (1...2).contains(parts.count),
            numbers[0] <= numbers[numbers.count - 1],
            (1...PolicyLimits.patternStatesMax).contains(numbers[numbers.count - 1])
        else {
            throw PatternError(
                "a count that is not {n} or {m,n} with m <= n <= \(PolicyLimits.patternStatesMax)",
                "write {8} or {1,32}")
        }
        return numbers[0]...numbers[numbers.count - 1]
    }
}
