import Wire

/// A JSON value that an answer is built of, members in their order.
indirect enum JSONTree: Sendable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case truth(Bool)
    case null
    case list([JSONTree])
    case members([(String, JSONTree)])

    static func optional(_ text: String?) -> JSONTree { text.map { .text($0) } ?? .null }

    static func count(_ number: UInt64) -> JSONTree { .integer(Int64(clamping: number)) }

    static func count(_ number: Int) -> JSONTree { .integer(Int64(number)) }

    static func texts(_ texts: [String]) -> JSONTree { .list(texts.map { .text($0) }) }

    func encode(into writer: inout JSONWriter) {
        switch self {
        case .text(let text): writer.value(text)
        case .integer(let number): writer.value(number)
        case .number(let number): writer.value(number.isFinite ? number : 0)
        case .truth(let truth): writer.value(truth)
        case .null: writer.null()
        case .list(let values):
            writer.beginArray()
            for value in values { value.encode(into: &writer) }
            writer.endArray()
        case .members(let members):
            writer.beginObject()
            for (name, value) in members {
                writer.key(name)
                value.encode(into: &writer)
            }
            writer.endObject()
        }
    }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .truth(value) }
    init(dictionaryLiteral elements: (String, JSONTree)...) { self = .members(elements) }
}
