extension JSONValue {
    /// The value as JSON of its own, for what has to outlive the parser; `nil` when it is missing,
    /// or has more than `bytesMax` bytes.
    public func json(bytesMax: Int = WireLimits.frameBytesMax) -> String? {
        guard exists else { return nil }
        return JSONText.make(bytesMax: bytesMax) { writer in writer.value(self) }
    }
}
