extension RFC3339 {
    /// A point in time as text; one beyond the year 9999 is taken as its end.
    public static func text(_ wallMilliseconds: Int64) -> String {
        let quoted = JSONText.written(bytesMax: 64) { $0.value(timestamp: wallMilliseconds) }
        return String((quoted ?? "").dropFirst().dropLast())
    }
}
