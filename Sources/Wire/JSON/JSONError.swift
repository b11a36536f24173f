/// Why a text was refused. Nothing of a refused text is seen.
public enum JSONError: Error, Hashable, Sendable {
    /// RFC 8259 does not allow it: syntax, trailing content, a lone surrogate, or nothing at all.
    case notJSON
    case notUTF8
    case byteOrderMark
    /// Malformed, an integer beyond 64 bits, or beyond what a double holds.
    case badNumber
    case tooDeep
    case tooManyTokens
    case tooLong
    /// The same name twice in one object, however it is spelt.
    case duplicateName
    case outOfMemory
}

extension JSONError: CustomStringConvertible {
    /// What is wrong, and what the sender has to change.
    public var description: String {
        switch self {
        case .notJSON:
            "not a JSON text (RFC 8259): send exactly one JSON object a line"
        case .notUTF8:
            "not UTF-8: encode the text as UTF-8 (RFC 8259, 8.1)"
        case .byteOrderMark:
            "starts with a byte order mark: send UTF-8 without one (RFC 8259, 8.1)"
        case .badNumber:
            "a number is malformed or out of range: integers have 64 bits, others fit a double"
        case .tooDeep:
            "nested deeper than \(WireLimits.depthMax) levels: flatten the message"
        case .tooManyTokens:
            "more than \(WireLimits.tokensMax) values and names: split the message"
        case .tooLong:
            "longer than \(WireLimits.frameBytesMax) bytes with its newline: split the message"
        case .duplicateName:
            "a member name comes twice in one object: send each name once"
        case .outOfMemory:
            "no memory left to parse it: send it again later"
        }
    }
}
