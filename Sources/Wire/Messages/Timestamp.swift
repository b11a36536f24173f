extension JSONValue {
    /// Milliseconds since 1970 UTC: an RFC 3339 string, or a number as InfiniService sends in
    /// places.
    ///
    /// A number says nothing of its unit: below 10^11 it is taken for seconds (until the year
    /// 5138), from there on for milliseconds (since 1973).
    public var timestamp: Int64? {
        if let utf8 { return RFC3339.parse(utf8) }
        guard let number = integer ?? number.map({ Int64($0.magnitude < 1e15 ? $0 : 0) }) else {
            return nil
        }
        return number.magnitude < 100_000_000_000 ? number * 1000 : number
    }
}

extension JSONMembers {
    public mutating func timestamp(_ name: StaticString) -> Int64? { value(name).timestamp }
}
