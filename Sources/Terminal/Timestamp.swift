/// Moments on the wall clock as text, in UTC.
enum Timestamp {
    /// `2026-07-14T09:31:07Z`. Source: RFC 3339. Years outside 1970 to 9999, which only a guest
    /// with a broken clock names, become the nearest within.
    static func text(wallMilliseconds: Int64) -> String {
        let seconds = min(max(wallMilliseconds, 0) / 1000, 253_402_300_799)
        let date = civilDate(daysSince1970: seconds / 86_400)
        let time = seconds % 86_400
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
            + clock(secondOfDay: time) + "Z"
    }

    /// `09:31:07`.
    static func clock(wallMilliseconds: Int64) -> String {
        clock(secondOfDay: max(wallMilliseconds, 0) / 1000 % 86_400)
    }

    private static func clock(secondOfDay time: Int64) -> String {
        "\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))"
    }

    /// Years are counted from March, so that the leap day is a year's last and needs no case of its
    /// own.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    private static func civilDate(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = daysSince1970 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ value: Int64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
