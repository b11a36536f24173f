import Foundation
import TestSupport
import Testing

@testable import Wire

@Suite struct MetricsRoundTripTests {
    static func encoded(_ message: MetricsMessage) -> (text: String, dropped: RowCounts) {
        var dropped = RowCounts()
        let text = write { writer in
            guard case .written(_, let rows) = message.encode(into: &writer) else {
                Issue.record("no room")
                return
            }
            dropped = rows
        }.text
        return (String(text.dropLast()), dropped)
    }

    static func decoded(_ text: String) throws -> MetricsMessage {
        guard case .metrics(let message) = try guestMessage(text) else {
            Issue.record("not metrics: \(text.prefix(200))")
            throw JSONError.notJSON
        }
        return message
    }

    @Test func anySampleIsReadBackAsItWas() throws {
        var maker = SampleMaker()
        for _ in 0..<400 {
            var message = MetricsMessage(maker.sample(), droppedMessages: maker.number())
            if maker.chance(50) {
                let epoch = Epoch(high: maker.number(), low: maker.number())
                message.numbering = Numbering(epoch: epoch, sequence: maker.number())
            }
            let (text, dropped) = Self.encoded(message)
            #expect(dropped.total == 0)
            #expect(!text.contains("\n"))
            let read = try Self.decoded(text)
            #expect("\(read)" == "\(message)")
            #expect(Self.encoded(read).text == text)
        }
    }

    /// Foundation's reader as a second opinion on what we write.
    @Test func foundationReadsTheSameValues() throws {
        var maker = SampleMaker()
        for _ in 0..<50 {
            let (text, _) = Self.encoded(MetricsMessage(maker.sample()))
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
            let count = try parse(text) { try Self.compare($0, object) }
            #expect(count > 20)
        }
    }

    /// Compares two readings of one text and answers how many values it has.
    static func compare(_ value: JSONValue, _ other: Any) throws -> Int {
        var count = 1
        switch value.type {
        case .object:
            let object = try #require(other as? [String: Any])
            #expect(object.count == value.count)
            var members = value.members
            while let member = members.next() {
                guard let name = member.name.string else { throw JSONError.notJSON }
                count += try compare(member.value, try #require(object[name]))
            }
        case .array:
            let array = try #require(other as? [Any])
            #expect(array.count == value.count)
            var elements = value.elements
            var index = 0
            while let element = elements.next() {
                count += try compare(element, array[index])
                index += 1
            }
        case .string: #expect(value.string == other as? String)
        case .boolean: #expect(value.bool == other as? Bool)
        case .null: #expect(other is NSNull)
        case .number:
            let number = try #require(other as? NSNumber)
            if let unsigned = value.unsigned { #expect(number.uint64Value == unsigned) }
            // JSONSerialization is off by up to two units in the last place of some numbers; that
            // ours is exact is what the round trip above says.
            guard let read = value.number else { throw JSONError.badNumber }
            #expect(abs(number.doubleValue - read) <= 8 * read.ulp)
        case .missing: Issue.record("a value is missing")
        }
        return count
    }

    @Test func theFourThatTheHostInsistsOnAreThereInAnEmptySample() throws {
        let (text, _) = Self.encoded(MetricsMessage(MetricsSample()))
        try parse(text) { root in
            var system = root.members
            var members = system.value("data").members
            var inner = members.value("system").members
            var cpu = inner.value("cpu").members
            #expect(cpu.value("usage_percent").isNull == true)
            #expect(cpu.value("cores_usage").type == .array)
            #expect(inner.value("memory").type == .object)
            var disk = inner.value("disk").members
            #expect(disk.value("usage_stats").type == .array)
            #expect(disk.value("io_stats").type == .object)
            var network = inner.value("network").members
            #expect(network.value("interfaces").type == .array)
        }
        let sample = try Self.decoded(text).sample
        #expect(sample.cpu == nil && sample.memory == nil && sample.system == nil)
        #expect("\(sample)" == "\(MetricsSample())")
    }

    @Test func totalsOverAllDisksAreSumsAndTheBusiestCounts() throws {
        var sample = MetricsSample()
        for (index, percent) in [20.0, 70.5, 3].enumerated() {
            var disk = DiskSample()
            disk.readBytesPerSecond = 1000.5
            disk.writeOperationsPerSecond = Double(index)
            disk.utilizationPercent = percent
            sample.disks.append(disk)
        }
        let (text, _) = Self.encoded(MetricsMessage(sample))
        #expect(
            text.contains(
                #""io_stats":{"read_bytes_per_sec":3001.5,"write_bytes_per_sec":0,"#
                    + #""read_ops_per_sec":0,"write_ops_per_sec":3,"io_utilization_percent":70.5}"#)
        )
    }

    @Test func aRateThatIsNoNumberDoesNotSpoilTheMessage() throws {
        var sample = MetricsSample()
        var disk = DiskSample()
        disk.name = "vda"
        disk.readLatencyMilliseconds = .nan
        disk.readBytesPerSecond = .infinity
        sample.disks = [disk]
        let read = try Self.decoded(Self.encoded(MetricsMessage(sample)).text)
        #expect(read.sample.disks.first?.name == "vda")
        #expect(read.sample.disks.first?.readLatencyMilliseconds == 0)
    }

    @Test func aStateOrResourceThatComesTwiceIsWrittenOnce() throws {
        var sample = MetricsSample()
        sample.tcpStates = [1, 2].map { TCPStateCount(state: "LISTEN", count: $0) }
        var pressure = PressureSample()
        pressure.resource = "io"
        sample.pressure = [pressure, pressure]
        let read = try Self.decoded(Self.encoded(MetricsMessage(sample)).text)
        #expect(read.sample.tcpStates == [TCPStateCount(state: "LISTEN", count: 1)])
        #expect(read.sample.pressure == [pressure])
    }
}
