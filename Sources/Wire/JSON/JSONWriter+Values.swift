/// Writing again what was parsed: other bytes than those that came, and the same values.
extension JSONWriter {
    /// A value with all that is in it. Whole numbers stay exact, others keep every digit of their
    /// double; nothing of the text that was parsed is copied, so that whoever reads this reads
    /// only what our own writer makes.
    ///
    /// It recurses at most ``WireLimits/depthMax`` deep, which the parser has seen to.
    public mutating func value(_ value: JSONValue) {
        switch value.type {
        case .object:
            beginObject()
            members(of: value)
            endObject()
        case .array:
            beginArray()
            var elements = value.elements
            while let element = elements.next() { self.value(element) }
            endArray()
        case .string: self.value(value.string ?? "")
        case .number: number(value)
        case .boolean: self.value(value.bool ?? false)
        case .null, .missing: null()
        }
    }

    /// The members of an object, without its braces.
    public mutating func members(of object: JSONValue) {
        var members = object.members
        while let member = members.next() {
            key(member.name.string ?? "")
            value(member.value)
        }
    }

    public mutating func member(_ name: StaticString, _ value: JSONValue) {
        key(name)
        self.value(value)
    }

    private mutating func number(_ value: JSONValue) {
        // 2.0 stays a double: that it is whole is no reason to write it as another type.
        if let whole = value.exactInteger {
            self.value(whole)
        } else if let whole = value.exactUnsigned {
            self.value(whole)
        } else {
            // The shortest digits that give the same double; finite always, so valid JSON.
            raw("\(value.number ?? 0)")
        }
    }
}
