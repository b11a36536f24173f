/// Members that a decoder reads one after the other; each is `nil` when it is missing, of another
/// type or out of range.
extension JSONMembers {
    public mutating func string(_ name: StaticString) -> String? { value(name).string }
    public mutating func integer(_ name: StaticString) -> Int64? { value(name).integer }
    public mutating func unsigned(_ name: StaticString) -> UInt64? { value(name).unsigned }
    public mutating func number(_ name: StaticString) -> Double? { value(name).number }
    public mutating func bool(_ name: StaticString) -> Bool? { value(name).bool }

    /// A number of things, 0 when there is no such member or it is not one.
    mutating func count(_ name: StaticString) -> Int {
        unsigned(name).flatMap { Int(exactly: $0) } ?? 0
    }
}
