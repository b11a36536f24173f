import CSimdjson

/// What a ``JSONValue`` is.
public enum JSONType: Hashable, Sendable {
    /// Nothing was parsed, or what was parsed was refused.
    case missing
    case object, array, string, number, boolean, null
}

/// A value of the text that a ``JSONParser`` parsed last, and borrowed from it.
///
/// Reading never converts silently: a string is no number, 1.5 is no integer, and a number that
/// does not fit is `nil` instead of wrapping around.
@safe public struct JSONValue: ~Escapable {
    /// SAFETY: points into the parser's document. The parser is borrowed for as long as this value
    /// lives, so that it can neither be destroyed nor parse another text.
    let raw: csimdjson_value

    @_lifetime(borrow parser)
    init(_ raw: csimdjson_value, in parser: borrowing JSONParser) {
        unsafe self.raw = raw
    }

    /// A value of the same document as `other`.
    @_lifetime(copy other)
    init(_ raw: csimdjson_value, with other: JSONValue) {
        unsafe self.raw = raw
    }

    public var type: JSONType {
        switch unsafe csimdjson_type_of(raw) {
        case CSIMDJSON_OBJECT: .object
        case CSIMDJSON_ARRAY: .array
        case CSIMDJSON_STRING: .string
        case CSIMDJSON_SIGNED, CSIMDJSON_UNSIGNED, CSIMDJSON_DOUBLE: .number
        case CSIMDJSON_TRUE, CSIMDJSON_FALSE: .boolean
        case CSIMDJSON_NULL: .null
        default: .missing
        }
    }

    /// False for ``JSONType/missing``.
    public var exists: Bool { unsafe raw.document != nil }

    public var isNull: Bool { unsafe csimdjson_type_of(raw) == CSIMDJSON_NULL }

    public var bool: Bool? {
        switch unsafe csimdjson_type_of(raw) {
        case CSIMDJSON_TRUE: true
        case CSIMDJSON_FALSE: false
        default: nil
        }
    }

    /// Elements of an array or members of an object; 0 for any other value.
    public var count: Int { unsafe Int(csimdjson_count(raw)) }

    /// The member of that name; `nil` when there is none or this is no object.
    ///
    /// It looks from the first member on. To read many, ``members`` is faster.
    @_lifetime(copy self)
    public func member(_ name: StaticString) -> JSONValue? {
        var members = members
        let value = members.value(name)
        return value.exists ? value : nil
    }

    /// The members of an object in their order; none for any other value.
    public var members: JSONMembers {
        @_lifetime(copy self)
        get { JSONMembers(of: self) }
    }

    /// The elements of an array in their order; none for any other value.
    public var elements: JSONElements {
        @_lifetime(copy self)
        get { JSONElements(of: self) }
    }
}

/// The elements of an array, one after the other.
///
/// ```swift
/// var elements = value.elements
/// while let element = elements.next() { ... }
/// ```
public struct JSONElements: ~Escapable {
    private var following: JSONValue

    @_lifetime(copy array)
    init(of array: JSONValue) {
        following = unsafe JSONValue(csimdjson_first(array.raw, CSIMDJSON_ARRAY), with: array)
    }

    @_lifetime(copy self)
    public mutating func next() -> JSONValue? {
        let element = following
        guard element.exists else { return nil }
        following = unsafe JSONValue(csimdjson_next(element.raw), with: element)
        return element
    }
}
