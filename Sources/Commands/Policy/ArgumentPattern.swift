/// What one argument may look like, from its first character to its last.
///
/// | written | stands for |
/// |---|---|
/// | `nginx` | itself |
/// | `?` | one character, but no `/` |
/// | `*` | any characters or none, but no `/` |
/// | `**` | any characters or none, `/` too |
/// | `[a-z0-9._-]` | one of these ASCII characters; `-` for itself stands first or last |
/// | `[0-9]{1,5}`, `?{8}` | that many of them |
/// | `\*` | the character behind the backslash |
///
/// Control characters match nothing. An argument that begins with `-` is matched only by a pattern
/// that begins with `-`, so that a name can never be taken for an option; one with `..` between
/// slashes only by a pattern without any of the above. `^ $ ( ) |`, and `*` or `+` behind a set,
/// are refused: they would mean something else in a regular expression.
///
/// A pattern is matched in one pass: its cost is the text's length times the pattern's, whatever
/// they are.
public struct ArgumentPattern: Hashable, Sendable {
    enum Matcher: Hashable, Sendable {
        case literal(Unicode.Scalar)
        /// A bit for each ASCII character.
        case set(low: UInt64, high: UInt64)
        case anyButSlash
        case anything

        func matches(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .literal(let own): return scalar == own
            case .set(let low, let high):
                guard scalar.value < 128 else { return false }
                let half = scalar.value < 64 ? low : high
                return half >> UInt64(scalar.value & 63) & 1 == 1
            case .anyButSlash: return !scalar.isControl && scalar != "/"
            case .anything: return !scalar.isControl
            }
        }
    }

    /// One step of the pattern.
    struct State: Hashable, Sendable {
        var matcher: Matcher
        /// The text may go on without it.
        var isOptional = false
        /// It may match again.
        var repeats = false
    }

    /// As it is written.
    public let text: String
    let states: [State]

    /// - Throws: what is wrong with the pattern, and how to write it.
    public init(_ text: String) throws(PatternError) {
        var parser = PatternParser(text)
        states = try parser.states()
        self.text = text
    }

    /// Whether the whole of `argument` looks so.
    public func matches(_ argument: String) -> Bool {
        let scalars = argument.unicodeScalars
        if scalars.first == "-", states.first?.matcher != .literal("-") { return false }
        if !isLiteral, hasParentComponent(argument) { return false }
        var active = [Bool](repeating: false, count: states.count + 1)
        active[0] = true
        skipOptional(&active)
        for scalar in scalars {
            var next = [Bool](repeating: false, count: states.count + 1)
            var isAlive = false
            for (place, state) in states.enumerated()
            where active[place] && state.matcher.matches(scalar) {
                next[state.repeats ? place : place + 1] = true
                isAlive = true
            }
            guard isAlive else { return false }
            skipOptional(&next)
            active = next
        }
        return active[states.count]
    }

    private var isLiteral: Bool {
        states.allSatisfy {
            if case .literal = $0.matcher { return !$0.isOptional && !$0.repeats }
            return false
        }
    }

    private func skipOptional(_ active: inout [Bool]) {
        for (place, state) in states.enumerated() where active[place] && state.isOptional {
            active[place + 1] = true
        }
    }
}

/// Whether `..` stands between the slashes of a path.
func hasParentComponent(_ path: String) -> Bool {
    path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
}

extension Unicode.Scalar {
    /// C0, DEL and C1.
    var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

/// Why a pattern was refused, and how to write it.
public struct PatternError: Error, Hashable, Sendable {
    public let problem: String
    public let remedy: String

    init(_ problem: String, _ remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }
}
