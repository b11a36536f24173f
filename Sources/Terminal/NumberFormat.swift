/// Numbers as people read them. Every one of these takes whatever a guest may say, negative, huge
/// or not a number, and answers in a bounded number of columns.
enum NumberFormat {
    /// `value` with so many decimals, 0 to 3: `3.10`. Rounds half away from zero; stays below
    /// 10^15.
    static func decimal(_ value: Double, places: Int) -> String {
        let scale = [1.0, 10, 100, 1000][places]
        let scaled = Int((bounded(value, upTo: 1e15) * scale).rounded())
        let whole = String(scaled / Int(scale))
        guard places > 0 else { return whole }
        let fraction = String(scaled % Int(scale))
        return whole + "." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// Three significant digits in at most four characters: `1.23`, `12.3`, `123`. Below 999.5.
    private static func threeDigits(_ value: Double) -> String {
        if value < 9.995 { return decimal(value, places: 2) }
        return decimal(value, places: value < 99.95 ? 1 : 0)
    }

    /// Bytes in powers of 1024: `0 B`, `512 B`, `1.50 KiB`, `12.3 MiB`; at most 8 columns.
    static func bytes(_ count: Double) -> String {
        let count = bounded(count, upTo: 1e27)
        if count < 999.5 { return decimal(count, places: 0) + " B" }
        var value = count
        var unit = -1
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        // 1000 of a unit would be a fourth digit, so it is 0.98 of the next.
        while value >= 999.5, unit + 1 < units.count {
            value /= 1024
            unit += 1
        }
        return threeDigits(min(value, 999)) + " " + units[unit]
    }

    static func bytes(_ count: UInt64) -> String { bytes(Double(count)) }

    static func kibibytes(_ count: UInt64) -> String { bytes(Double(count) * 1024) }

    /// `12.3 MiB/s`; at most 10 columns.
    static func rate(_ bytesPerSecond: Double) -> String { bytes(bytesPerSecond) + "/s" }

    /// `0.0%`, `32.5%`, `100%`; at most 6 columns, as a process may take more than one CPU.
    static func percent(_ value: Double) -> String {
        let value = bounded(value, upTo: 99_999)
        return decimal(value, places: value < 99.95 ? 1 : 0) + "%"
    }

    /// `7%`, for narrow places; at most 4 columns.
    static func wholePercent(_ value: Double) -> String {
        decimal(bounded(value, upTo: 100), places: 0) + "%"
    }

    /// `512`, `99999`, `123k`, `1.23M`; at most 5 columns.
    static func count(_ value: UInt64) -> String {
        if value < 100_000 { return String(value) }
        var scaled = Double(value)
        var unit = -1
        let units = ["k", "M", "G", "T", "P", "E"]
        while scaled >= 999.5 {
            scaled /= 1000
            unit += 1
        }
        return threeDigits(scaled) + units[unit]
    }

    /// The two largest units that are not zero to begin with: `42s`, `5m 3s`, `4h 12m`, `3d 4h`.
    static func duration(seconds: UInt64) -> String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        if days > 99_999 { return "99999d" }
        if days > 0 { return pair(days, "d", hours % 24, "h") }
        if hours > 0 { return pair(hours, "h", minutes % 60, "m") }
        if minutes > 0 { return pair(minutes, "m", seconds % 60, "s") }
        return "\(seconds)s"
    }

    private static func pair(
        _ large: UInt64, _ largeUnit: String, _ small: UInt64, _ smallUnit: String
    ) -> String {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit) \(small)\(smallUnit)"
    }

    /// `0.4s` below ten seconds, then as a duration.
    static func age(milliseconds: UInt64) -> String {
        if milliseconds < 9950 { return decimal(Double(milliseconds) / 1000, places: 1) + "s" }
        let seconds = milliseconds / 1000 + (milliseconds % 1000 >= 500 ? 1 : 0)
        return duration(seconds: seconds)
    }

    /// How long something took: `312 us`, `1.20 ms`, `3.40 s`; at most 7 columns.
    static func latency(milliseconds: Double) -> String {
        let milliseconds = bounded(milliseconds, upTo: 999_000)
        if milliseconds == 0 { return "0 ms" }
        if milliseconds < 0.9995 { return decimal(milliseconds * 1000, places: 0) + " us" }
        if milliseconds < 999.5 { return threeDigits(milliseconds) + " ms" }
        return threeDigits(milliseconds / 1000) + " s"
    }

    /// Load averages, as uptime(1) has them: `0.42`, `12.30`, `123`; at most 7 columns.
    static func load(_ value: Double) -> String {
        let value = bounded(value, upTo: 9_999_999)
        return decimal(value, places: value < 99.995 ? 2 : 0)
    }
}
