import Wire

/// One line a sample, for pipes and files: the same fields in the same order, separated by spaces.
///
/// ```
/// time                 vm                 cpu%   mem%  swap%  disk%     load         rx/s …
/// 2026-07-14T09:31:07Z web-01             32.5   65.0    0.0   45.2     0.42     12897484 …
/// ```
///
/// `awk '$3 > 90 { print $2 }'` prints who is busy. A value that is not known is `-`; rates are
/// whole bytes a second; `disk%` is of the fullest file system; `dropped` and `errors` count the
/// metrics that the agent had to drop since its start and the probes that failed for this sample.
public struct PlainRows: Sendable {
    /// Columns of a VM's name; a longer one moves the fields behind it, and is cut at the second
    /// number.
    static let nameColumns = 16
    static let nameColumnsMax = 64

    public let appearance: Appearance
    private var isFirst = true

    /// - Parameter appearance: whether names are escaped to ASCII; colours are never written.
    public init(appearance: Appearance) {
        self.appearance = appearance
    }

    /// The row of a guest with its newline, after the titles if it is the first; empty without a
    /// sample.
    public mutating func text(for guest: GuestStatus) -> String {
        guard let sample = guest.sample else { return "" }
        let titles = isFirst ? Self.titles : ""
        isFirst = false
        return titles + row(guest.name, sample)
    }

    /// The titles with their newline.
    public static var titles: String {
        fields(time: "time", name: "vm", numbers: columns.map(\.title))
    }

    private static let columns: [(title: String, width: Int)] = [
        ("cpu%", 6), ("mem%", 6), ("swap%", 6), ("disk%", 6), ("load", 8), ("rx/s", 12),
        ("tx/s", 12), ("read/s", 12), ("write/s", 12), ("dropped", 8), ("errors", 6),
    ]

    private func row(_ name: String, _ sample: MetricsSample) -> String {
        func percent(_ value: Double?) -> String {
            value.map { NumberFormat.decimal(bounded($0, upTo: 100), places: 1) } ?? "-"
        }
        func rate(_ value: Double) -> String { NumberFormat.decimal(value, places: 0) }
        let network = NetworkTotals(sample.interfaces)
        let disks = DiskTotals(sample.disks)
        let hasNetwork = !sample.interfaces.isEmpty
        let hasDisks = !sample.disks.isEmpty
        return Self.fields(
            time: Timestamp.text(wallMilliseconds: sample.wallMilliseconds),
            name: field(name),
            numbers: [
                percent(sample.cpu?.usagePercent), percent(sample.memory?.usedPercent),
                percent(sample.memory?.swapPercent), percent(sample.fullestFileSystem?.usedPercent),
                (sample.load?.oneMinute).map(NumberFormat.load) ?? "-",
                hasNetwork ? rate(network.receivedBytesPerSecond) : "-",
                hasNetwork ? rate(network.sentBytesPerSecond) : "-",
                hasDisks ? rate(disks.readBytesPerSecond) : "-",
                hasDisks ? rate(disks.writtenBytesPerSecond) : "-",
                sample.agent.map { String($0.metricsDropped) } ?? "-",
                String(sample.probeErrors.count),
            ])
    }

    /// A name as one field: escaped, and with no space in it.
    private func field(_ name: String) -> String {
        guard !name.isEmpty else { return "-" }
        return escaped(
            name, columnsMax: Self.nameColumnsMax, isASCII: !appearance.usesUnicode
        ).unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.properties.isWhitespace {
                text += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func fields(time: String, name: String, numbers: [String]) -> String {
        func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
        var row = time + spaces(20 - time.utf8.count) + " "
        row += name + spaces(nameColumns - displayColumns(of: name))
        for (number, column) in zip(numbers, columns) {
            row += " " + spaces(column.width - number.utf8.count) + number
        }
        return row + "\n"
    }
}
