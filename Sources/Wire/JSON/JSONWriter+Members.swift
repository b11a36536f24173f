/// A name and its value in one call.
extension JSONWriter {
    @inline(__always)
    public mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        value(text)
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, _ number: UInt64) {
        key(name)
        value(number)
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, _ number: Int64) {
        key(name)
        value(number)
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, _ number: Int) {
        key(name)
        value(number)
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, _ number: Double) {
        key(name)
        value(number)
    }

    @inline(__always)
    public mutating func member(_ name: StaticString, _ truth: Bool) {
        key(name)
        value(truth)
    }

    @inline(__always)
    public mutating func beginObject(_ name: StaticString) {
        key(name)
        beginObject()
    }

    @inline(__always)
    public mutating func beginArray(_ name: StaticString) {
        key(name)
        beginArray()
    }
}
