import TestSupport
import Testing

@testable import Wire

@Suite struct RowDroppingTests {
    static func processes(_ count: Int, commandLine: String = "/usr/bin/sleep 1000")
        -> [ProcessSample]
    {
        (0..<count).map { index in
            var process = ProcessSample()
            process.pid = UInt32(index + 1)
            process.name = "sleep"
            process.commandLine = commandLine
            process.status = "sleeping"
            return process
        }
    }

    static func ports(_ count: Int) -> [ListeningPort] {
        (0..<count).map { index in
            var port = ListeningPort()
            port.port = UInt16(index + 1)
            port.proto = "tcp"
            return port
        }
    }

    /// Writes a sample into a room, reads it back and checks that every row is accounted for.
    static func delivered(
        _ sample: MetricsSample, room: Int = WireLimits.frameBytesMax
    ) throws -> MetricsMessage? {
        var outcome = MetricsOutcome.noRoom
        let text = write(room: room) { writer in
            outcome = MetricsMessage(sample).encode(into: &writer)
        }.text
        guard case .written(let byteCount, let dropped) = outcome else {
            #expect(text.isEmpty)
            return nil
        }
        #expect(byteCount == text.utf8.count && byteCount <= room)
        #expect(text.hasSuffix("\n"))
        let message = try MetricsRoundTripTests.decoded(String(text.dropLast()))
        #expect(message.droppedRows == dropped)
        let read = message.sample
        #expect(read.processes.count + dropped.processes == sample.processes.count)
        #expect(read.ports.count + dropped.ports == sample.ports.count)
        #expect(read.interfaces.count + dropped.interfaces == sample.interfaces.count)
        #expect(read.fileSystems.count + dropped.fileSystems == sample.fileSystems.count)
        #expect(read.disks.count + dropped.disks == sample.disks.count)
        #expect(read.probeErrors.count + dropped.errors == sample.probeErrors.count)
        if dropped.cores == 0 { #expect(read.cpu?.cores.count == sample.cpu?.cores.count) }
        return message
    }

    @Test func twentyThousandProcessesFitAFrameAndTheRestIsCounted() throws {
        var maker = SampleMaker(SeededRandom(seed: 1))
        var sample = maker.sample()
        sample.processes = Self.processes(20_000)
        let message = try #require(try Self.delivered(sample))
        #expect(message.droppedRows.processes > 10_000)
        #expect(message.droppedRows.total == message.droppedRows.processes)
        // The first ones stay, and the frame is used as far as the reader's tokens go.
        let kept = message.sample.processes.map(\.pid)
        #expect(kept == Array(1...UInt32(kept.count)))
        #expect(kept.count > 3000)
    }

    @Test func longRowsAreBoundedByBytes() throws {
        var sample = MetricsSample()
        sample.processes = Self.processes(20_000, commandLine: String(repeating: "x", count: 1000))
        let message = try #require(try Self.delivered(sample))
        let rowBytes = 1150
        #expect(message.sample.processes.count > WireLimits.frameBytesMax / rowBytes - 20)
    }

    @Test func theLongestListsPayAndShortOnesStayWhole() throws {
        var sample = MetricsSample()
        sample.processes = Self.processes(200)
        sample.ports = Self.ports(100)
        sample.probeErrors = [ProbeError(probe: "disk", reason: "gone")]
        let message = try #require(try Self.delivered(sample, room: 10_000))
        #expect(message.droppedRows.processes > 0)
        #expect(message.droppedRows.ports > 0)
        #expect(message.droppedRows.errors == 0)
        let roomy = try #require(try Self.delivered(sample, room: 25_000))
        #expect(roomy.droppedRows.processes > 0)
        #expect(roomy.droppedRows.ports == 0)
    }

    @Test func aRowTooLongForAnyFrameDoesNotTakeTheOthersWithIt() throws {
        var sample = MetricsSample()
        sample.processes = Self.processes(10)
        sample.processes[3].commandLine = String(repeating: "y", count: 2 << 20)
        let message = try #require(try Self.delivered(sample))
        #expect(message.droppedRows.processes == 1)
        #expect(message.sample.processes.map(\.pid) == [1, 2, 3, 5, 6, 7, 8, 9, 10])
    }

    @Test func everyListCanLoseRows() throws {
        var maker = SampleMaker(SeededRandom(seed: 2))
        var sample = MetricsSample()
        let many = 6000
        sample.fileSystems = (0..<many).map { _ in maker.fileSystem() }
        sample.disks = (0..<many).map { _ in maker.disk() }
        sample.interfaces = (0..<many).map { _ in maker.interface() }
        sample.processes = (0..<many).map { _ in maker.process() }
        sample.ports = (0..<many).map { _ in maker.port() }
        sample.probeErrors = (0..<many * 2).map { _ in ProbeError(probe: "p", reason: maker.text())
        }
        sample.cpu = CPUSample()
        sample.cpu?.cores = (0..<many).map {
            .init(number: $0, usagePercent: 1, modes: maker.modes())
        }
        let message = try #require(try Self.delivered(sample))
        let dropped = message.droppedRows
        for list in RowList.allCases { #expect(dropped[list] > 0, "\(list)") }
        #expect(message.sample.cpu?.cores.count == many - dropped.cores)
    }

    @Test func anyRoomGivesAWholeFrameOrNone() throws {
        var maker = SampleMaker(SeededRandom(seed: 3))
        let sample = maker.sample()
        let whole = MetricsRoundTripTests.encoded(MetricsMessage(sample)).text.utf8.count + 1
        var frames = 0
        var emptyBelow = 0
        for room in stride(from: 0, through: whole + 3, by: 1) {
            if let message = try Self.delivered(sample, room: room) {
                frames += 1
                #expect((message.droppedRows.total == 0) == (room >= whole))
            } else {
                #expect(frames == 0, "a smaller room than \(room) was enough")
                emptyBelow = room
            }
        }
        #expect(frames > 4 && emptyBelow > 100)
    }

    @Test(arguments: [
        ([], 10, Int.max), ([5], 10, Int.max), ([5, 5], 10, Int.max), ([6, 6], 10, 5),
        ([1, 100, 100], 21, 10), ([3, 9, 30], 20, 8), ([0, 0, 7], 6, 6), ([4], 0, 0),
    ])
    func theLevelIsAsHighAsItCanBe(lengths: [Int], total: Int, level: Int) {
        #expect(RowSelection.level(lengths, total: total) == level)
    }
}
