/// Which rows of a sample stay when not all of them fit.
///
/// The longest lists pay. There is a level for bytes and one for tokens, as high as it can be so
/// that everything fits when no list takes more than that; shorter lists stay whole. Within a list
/// the first rows stay, and one that is too long by itself does not take its successors with it.
struct RowSelection {
    private(set) var dropped = RowCounts()
    private var rows: [RowList: [Bool]] = [:]

    func kept(_ list: RowList) -> [Bool]? { rows[list] }

    /// `nil` when the part without rows does not fit either.
    ///
    /// - Parameter scratch: where the message is to go; rows are written there to see what they
    ///   cost, and it is left as it was.
    init?(of message: MetricsMessage, scratch writer: inout JSONWriter) {
        let sample = message.sample
        var costs: [RowList: [Cost]] = [:]
        costs[.processes] = writer.costs(of: sample.processes)
        costs[.ports] = writer.costs(of: sample.ports)
        costs[.interfaces] = writer.costs(of: sample.interfaces)
        costs[.fileSystems] = writer.costs(of: sample.fileSystems)
        costs[.disks] = writer.costs(of: sample.disks)
        costs[.cores] = writer.costs(of: sample.cpu?.cores ?? [])
        costs[.errors] = writer.costs(of: sample.probeErrors)

        // With no row at all, and the most that `truncated` can take.
        for (list, cost) in costs { drop(list, of: cost.map { _ in false }) }
        let start = writer.mark
        let room = min(writer.room, WireLimits.frameBytesMax)
        guard case .written(let bareBytes) = message.encode(self, into: &writer) else { return nil }
        let bareTokens = writer.tokens - start.tokens
        writer.rewind(to: start)

        let sums = costs.values.map { $0.reduce(Cost(), +) }
        let level = Cost(
            bytes: Self.level(sums.map(\.bytes), total: room - bareBytes),
            tokens: Self.level(sums.map(\.tokens), total: WireLimits.tokensMax - bareTokens))
        for (list, cost) in costs {
            var left = level
            drop(list, of: cost.map { left.pay($0) })
        }
    }

    private mutating func drop(_ list: RowList, of kept: [Bool]) {
        rows[list] = kept
        dropped[list] = kept.count { !$0 }
    }

    /// The highest level at which lists of these lengths, cut off at it, add up to at most `total`.
    static func level(_ lengths: [Int], total: Int) -> Int {
        var left = total
        for (index, length) in lengths.sorted().enumerated() {
            let share = left / (lengths.count - index)
            if length > share { return share }
            left -= length
        }
        return Int.max
    }
}

extension RowSelection {
    /// What a row, or several, take of a frame.
    struct Cost {
        var bytes = 0
        var tokens = 0

        static func + (one: Cost, other: Cost) -> Cost {
            Cost(bytes: one.bytes + other.bytes, tokens: one.tokens + other.tokens)
        }

        /// Takes `cost` away, if that much is there.
        mutating func pay(_ cost: Cost) -> Bool {
            guard cost.bytes <= bytes, cost.tokens <= tokens else { return false }
            bytes -= cost.bytes
            tokens -= cost.tokens
            return true
        }
    }
}

/// A line of one of the lists, written as one JSON object.
protocol MetricsRow {
    func encodeRow(into writer: inout JSONWriter)
}

extension JSONWriter {
    /// A list of rows, or those of them that `kept` names.
    @inline(__always)
    mutating func rows<Row: MetricsRow>(_ name: StaticString, _ rows: [Row], _ kept: [Bool]?) {
        beginArray(name)
        for index in rows.indices where kept?[index] ?? true {
            beginObject()
            rows[index].encodeRow(into: &self)
            endObject()
        }
        endArray()
    }

    /// What each row would take, with a comma before it; one that is longer than the whole room
    /// takes more than there is.
    mutating func costs<Row: MetricsRow>(of rows: [Row]) -> [RowSelection.Cost] {
        let start = mark
        return rows.map { row in
            beginObject()
            row.encodeRow(into: &self)
            endObject()
            let cost = RowSelection.Cost(
                bytes: overflowed ? WireLimits.frameBytesMax : count - start.count + 1,
                tokens: tokens - start.tokens)
            rewind(to: start)
            return cost
        }
    }
}
