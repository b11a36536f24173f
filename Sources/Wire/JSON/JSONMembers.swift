import CSimdjson

/// The members of an object, by name or one after the other.
///
/// ```swift
/// var members = value.members
/// let pid = members.unsigned("pid")
/// let name = members.string("name")
/// ```
///
/// A search by name begins behind the member found last and then wraps around: members asked for in
/// the order in which they were written cost one comparison each, in any other they are found too.
@safe public struct JSONMembers: ~Escapable {
    private let object: JSONValue
    /// The name that comes next; missing behind the last.
    private var following: JSONValue

    @_lifetime(copy object)
    init(of object: JSONValue) {
        self.object = object
        following = unsafe JSONValue(csimdjson_first(object.raw, CSIMDJSON_OBJECT), with: object)
    }

    /// The value of the member of that name; one of type ``JSONType/missing`` when there is none,
    /// so that whatever is read from it is `nil` or empty.
    @_lifetime(copy self)
    public mutating func value(_ name: StaticString) -> JSONValue {
        // SAFETY: a static string's bytes are constants of the program.
        let text = unsafe RawSpan(
            _unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount)
        let found = unsafe csimdjson_find(object.raw, following.raw, text)
        let value = unsafe JSONValue(csimdjson_value_of(found), with: object)
        if value.exists { following = unsafe JSONValue(csimdjson_next(value.raw), with: object) }
        return value
    }

    /// The next member, or `nil` after the last.
    @_lifetime(copy self)
    public mutating func next() -> JSONMember? {
        let name = following
        guard name.exists else { return nil }
        let value = unsafe JSONValue(csimdjson_value_of(name.raw), with: name)
        following = unsafe JSONValue(csimdjson_next(value.raw), with: name)
        return JSONMember(name: name, value: value)
    }
}

/// One name, a string always, and its value.
public struct JSONMember: ~Escapable {
    public let name: JSONValue
    public let value: JSONValue

    @_lifetime(copy name, copy value)
    init(name: JSONValue, value: JSONValue) {
        self.name = name
        self.value = value
    }
}
