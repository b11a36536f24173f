import Session

/// A frame of the simulation: `{` kind, numbers, padding `}` and a newline. Cheaper to read than
/// JSON, and as easy to recognise when halves of two are glued together: only its first byte is
/// ever `{`.
struct SimulatedLine: Equatable {
    enum Kind: UInt8 {
        case handshake = 0x68
        case numbered = 0x6e
        case unnumbered = 0x75
        case skipped = 0x73
        case request = 0x72
        case answer = 0x61
        case acknowledgement = 0x6b
    }

    var kind: Kind
    var values: [UInt64]
    /// Bytes of padding.
    var padding = 0

    var bytes: [UInt8] {
        var bytes: [UInt8] = [0x7b, kind.rawValue]
        bytes.reserveCapacity(64 + padding)
        for value in values {
            bytes.append(0x20)
            Self.append(value, to: &bytes)
        }
        if padding > 0 { bytes.append(contentsOf: repeatElement(0x2e, count: padding)) }
        bytes.append(0x7d)
        bytes.append(0x0a)
        return bytes
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        let start = bytes.count
        var rest = value
        repeat {
            bytes.append(UInt8(0x30 + rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    init(_ kind: Kind, _ values: [UInt64], padding: Int = 0) {
        self.kind = kind
        self.values = values
        self.padding = padding
    }

    /// What a line says without its newline; `nil` for half of one.
    init?(_ line: ArraySlice<UInt8>) {
        guard line.count >= 3, line.first == 0x7b, line.last == 0x7d,
            let kind = Kind(rawValue: line[line.startIndex + 1])
        else { return nil }
        var values: [UInt64] = []
        var index = line.startIndex + 2
        let end = line.endIndex - 1
        while index < end, line[index] == 0x20 {
            index += 1
            var value: UInt64 = 0
            while index < end, case let digit = line[index], 0x30 <= digit, digit <= 0x39 {
                value = value * 10 + UInt64(digit - 0x30)
                index += 1
            }
            values.append(value)
        }
        self.init(kind, values, padding: end - index)
    }

    /// Whether another frame begins inside the line: it was swallowed with a half one before it.
    static func isGlued(_ line: ArraySlice<UInt8>) -> Bool {
        line.dropFirst().contains(0x7b)
    }
}

extension SessionEpoch {
    init(_ values: ArraySlice<UInt64>) {
        self.init(high: values[values.startIndex], low: values[values.startIndex + 1])
    }

    var values: [UInt64] { [high, low] }
}

extension SimulatedLine {
    init(_ greeting: SessionGreeting) {
        let fork = greeting.forkedFrom ?? SessionEpoch(high: 0, low: 0)
        self.init(
            .handshake,
            greeting.epoch.values + [greeting.session, greeting.first, greeting.next]
                + fork.values + [UInt64(greeting.gaps.count)]
                + greeting.gaps.flatMap { [$0.from, $0.to] }
                + greeting.spooled.flatMap { $0.epoch.values + [$0.first, $0.next] })
    }

    var greeting: SessionGreeting {
        var gaps: [SessionRange] = []
        let gapsEnd = 8 + 2 * Int(values[7])
        for index in stride(from: 8, to: gapsEnd, by: 2) {
            gaps.append(SessionRange(from: values[index], to: values[index + 1]))
        }
        var spooled: [SpooledRange] = []
        for index in stride(from: gapsEnd, to: values.count, by: 4) {
            spooled.append(
                SpooledRange(
                    epoch: SessionEpoch(values[index...(index + 1)]), first: values[index + 2],
                    next: values[index + 3]))
        }
        return SessionGreeting(
            epoch: SessionEpoch(values[0...1]), session: values[2], first: values[3],
            next: values[4], gaps: gaps,
            forkedFrom: values[5] == 0 ? nil : SessionEpoch(values[5...6]), spooled: spooled)
    }

    init(_ answer: SessionAnswer) {
        self.init(
            .answer,
            answer.epoch.values
                + [
                    answer.session, answer.received, answer.windowBytes,
                    answer.acknowledges ? 1 : 0, answer.spooled == nil ? 0 : 1,
                ] + (answer.spooled ?? []).flatMap { $0.epoch.values + [$0.received] })
    }

    var answer: SessionAnswer {
        var spooled: [HostSession.StoredEpoch] = []
        for index in stride(from: 7, to: values.count, by: 3) {
            spooled.append(
                .init(
                    epoch: SessionEpoch(values[index...(index + 1)]), received: values[index + 2]))
        }
        return SessionAnswer(
            epoch: SessionEpoch(values[0...1]), session: values[2], received: values[3],
            windowBytes: values[4], acknowledges: values[5] == 1,
            spooled: values[6] == 1 ? spooled : nil)
    }
}
