extension MockScript {
    /// - Throws: the first line that says nothing.
    public init(_ text: String) throws(MockScriptError) {
        var parser = Parser(text)
        lines = try parser.block(depth: 0)
    }

    private struct Parser {
        private let texts: [Substring]
        private var at = 0

        init(_ text: String) {
            texts = text.split(separator: "\n", omittingEmptySubsequences: false)
        }

        /// Lines up to `end`, or to the end of the text outside of every block.
        mutating func block(depth: Int) throws(MockScriptError) -> [Line] {
            var lines: [Line] = []
            let start = at
            while at < texts.count {
                let number = at + 1
                let text = texts[at].trimmed
                at += 1
                if text.isEmpty || text.hasPrefix("#") { continue }
                let (word, rest) = text.firstWord
                switch word {
                case "end":
                    if depth > 0 { return lines }
                    throw MockScriptError(line: number, reason: "end without a repeat before it")
                case "repeat":
                    guard let count = UInt64(rest), count > 0, depth < MockLimits.depthMax else {
                        throw MockScriptError(
                            line: number, reason: "repeat takes a number from 1 on, 8 blocks deep")
                    }
                    let inner = try block(depth: depth + 1)
                    lines.append(Line(number: number, instruction: .repeated(count, inner)))
                default:
                    guard let instruction = Instruction(String(word), rest) else {
                        throw MockScriptError(line: number, reason: Self.reason(word))
                    }
                    lines.append(Line(number: number, instruction: instruction))
                }
            }
            guard depth == 0 else {
                throw MockScriptError(line: start, reason: "a repeat without its end")
            }
            return lines
        }

        private static func reason(_ word: Substring) -> String {
            let usage = MockScript.manual.split(separator: "\n")
                .filter { $0.firstWord.0 == word && $0.first != " " }
            guard let first = usage.first else {
                return "no instruction \"\(word)\": see vireo mock-host --help"
            }
            return "it should read like: \(first)"
        }
    }
}

extension MockScript.Instruction {
    /// `nil` for what says nothing.
    init?(_ word: String, _ rest: Substring) {
        guard let found = Self.words(word, rest) ?? Self.transfers(word, rest) else { return nil }
        self = found
    }

    private static func words(_ word: String, _ rest: Substring) -> Self? {
        switch word {
        case "accept": rest.isEmpty ? .accept(milliseconds: 5000) : within(rest).map(accept)
        case "greet": rest.isEmpty ? .greet : nil
        case "answer": answer(rest)
        case "expect": MockScript.Expectation(rest, isNext: false).map { .expect($0) }
        case "expect-next": MockScript.Expectation(rest, isNext: true).map { .expect($0) }
        case "refuse": refuse(rest)
        case "expect-seq": numbered(rest)
        case "ack": acknowledgement(rest)
        case "track": rest.isEmpty ? .track : nil
        case "pass": rest.isEmpty ? .pass : nil
        case "fail": .fail(rest.isEmpty ? "the script says so" : String(rest))
        default: nil
        }
    }

    private static func accept(_ milliseconds: UInt64) -> Self {
        .accept(milliseconds: milliseconds)
    }

    private static func transfers(_ word: String, _ rest: Substring) -> Self? {
        switch word {
        case "send": rest.isEmpty ? nil : .send(String(rest), isLine: true)
        case "send-raw": rest.isEmpty ? nil : .send(String(rest), isLine: false)
        case "send-file": rest.isEmpty ? nil : .sendFile(String(rest))
        case "fill": fill(rest)
        case "read": read(rest)
        case "pause": UInt64(rest).map { .pause(milliseconds: $0) }
        case "wait": UInt64(rest).map { .wait(milliseconds: $0) }
        case "drop": drop(rest)
        default: nil
        }
    }

    private static func within(_ rest: Substring) -> UInt64? {
        let words = rest.words
        guard words.count == 2, words[0] == "within" else { return nil }
        return UInt64(words[1])
    }

    private static func answer(_ rest: Substring) -> Self? {
        var received: String?
        var windowBytes: UInt64 = 262_144
        var isObserver = false
        if rest == "all" { return .answerAll(true) }
        if rest == "none" { return .answerAll(false) }
        for word in rest.words {
            if word == "observer" {
                isObserver = true
            } else if word.hasPrefix("received=") {
                received = String(word.dropFirst("received=".count))
            } else if word.hasPrefix("window="), let bytes = UInt64(word.dropFirst(7)) {
                windowBytes = bytes
            } else {
                return nil
            }
        }
        return .answer(received: received, windowBytes: windowBytes, isObserver: isObserver)
    }

    private static func refuse(_ rest: Substring) -> Self? {
        let words = rest.words
        if words.count == 1 { return .refuse(type: String(words[0]), milliseconds: 500) }
        guard words.count == 3, words[1] == "for", let time = UInt64(words[2]) else { return nil }
        return .refuse(type: String(words[0]), milliseconds: time)
    }

    private static func numbered(_ rest: Substring) -> Self? {
        let words = rest.words
        guard let first = words.first, let number = UInt64(first) else { return nil }
        if words.count == 1 {
            return .numbered(number, milliseconds: MockLimits.expectMilliseconds)
        }
        guard words.count == 3, words[1] == "within", let time = UInt64(words[2]) else {
            return nil
        }
        return .numbered(number, milliseconds: time)
    }

    private static func acknowledgement(_ rest: Substring) -> Self? {
        let words = rest.words
        switch words.count {
        case 1 where words[0] == "all": return .acknowledge(.lazily(1))
        case 1 where words[0] == "none": return .acknowledge(.never)
        case 1 where words[0] == "now": return .acknowledgeNow(nil)
        case 1: return .acknowledgeNow(String(words[0]))
        case 2 where words[0] == "lazily":
            return UInt64(words[1]).flatMap { $0 > 0 ? .acknowledge(.lazily($0)) : nil }
        case 2 where words[0] == "after":
            return UInt64(words[1]).map { .acknowledge(.after(milliseconds: $0)) }
        default: return nil
        }
    }

    private static func fill(_ rest: Substring) -> Self? {
        let words = rest.words
        guard let first = words.first, let count = Int(first), (1...(1 << 30)).contains(count),
            words.count <= 2
        else { return nil }
        guard words.count == 2 else { return .fill(bytes: count, byte: UInt8(ascii: "x")) }
        let utf8 = Array(words[1].utf8)
        return utf8.count == 1 ? .fill(bytes: count, byte: utf8[0]) : nil
    }

    private static func read(_ rest: Substring) -> Self? {
        if rest == "all" { return .read(bytesPerSecond: nil) }
        let words = rest.words
        guard words.count == 2, words[1] == "bytes/s", let rate = UInt64(words[0]), rate > 0
        else { return nil }
        return .read(bytesPerSecond: rate)
    }

    private static func drop(_ rest: Substring) -> Self? {
        if rest.isEmpty { return .drop }
        let words = rest.words
        guard words.count == 3, words[0] == "after", words[2] == "bytes" else { return nil }
        return UInt64(words[1]).map { .dropAfter(bytes: $0) }
    }
}

extension MockScript.Expectation {
    fileprivate init?(_ rest: Substring, isNext: Bool) {
        var words = rest.words
        guard let type = words.first, !type.contains("=") else { return nil }
        self.init(type: String(type), isNext: isNext)
        words.removeFirst()
        if words.count >= 2, words[words.count - 2] == "within" {
            guard let time = UInt64(words[words.count - 1]) else { return nil }
            milliseconds = time
            words.removeLast(2)
        }
        for word in words {
            guard let sign = word.firstIndex(of: "="), sign != word.startIndex else { return nil }
            let path = word[..<sign].split(separator: ".").map(String.init)
            members.append((path, String(word[word.index(after: sign)...])))
        }
    }
}

extension Substring {
    fileprivate var words: [Substring] { split(separator: " ") }

    fileprivate var trimmed: Substring {
        var text = self
        while let last = text.last, last == " " || last == "\r" || last == "\t" {
            text.removeLast()
        }
        return text.drop { $0 == " " || $0 == "\t" }
    }

    /// The first word, and what follows the blank behind it.
    fileprivate var firstWord: (Substring, Substring) {
        guard let blank = firstIndex(of: " ") else { return (self, "") }
        return (self[..<blank], self[index(after: blank)...])
    }
}
