import Session
import Testing

@testable import Spool

/// A file's bytes: what is read of them is what was written, up to the first that is not.
@Suite struct SpoolFormatTests {
    static let epoch = SessionEpoch(high: 0xA, low: 1)
    static let owner = SpoolOwner(machineID: "0123456789abcdef", generation: "77")

    static func header(
        _ index: UInt64 = 0, begins: Bool = true, owner: SpoolOwner = owner,
        epoch: SessionEpoch = epoch
    ) -> SpoolFormat.Header {
        .init(owner: owner, epoch: epoch, ordinal: 3, index: index, begins: begins)
    }

    static func parse(_ bytes: [UInt8]) -> SpoolFormat.Contents? {
        SpoolFormat.parse(bytes.span.bytes)
    }

    static func frame(_ number: UInt64) -> [UInt8] {
        Array("{\"seq\":\(number)\(String(repeating: "x", count: Int(number) % 7))}\n".utf8)
    }

    /// - Returns: a file, and where each of its records ends.
    static func file(
        _ numbers: ClosedRange<UInt64>, _ header: SpoolFormat.Header = header()
    ) -> (bytes: [UInt8], ends: [Int]) {
        var bytes = SpoolFormat.encode(header)
        let seed = SpoolFormat.seed(of: bytes.span.bytes)
        var ends: [Int] = []
        for number in numbers {
            let classes: [MessageClass] = [.result, .event, .metrics]
            SpoolFormat.append(
                frame(number), number: number, classes[Int(number) % 3], seed: seed, to: &bytes)
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    @Test func theChecksumIsCRC32C() {
        var checksum = Checksum()
        checksum.add(Array("1234".utf8).span.bytes)
        checksum.add(Array("56789".utf8).span.bytes)
        #expect(checksum.value == 0xE306_9283)
    }

    /// Bit by bit, as the standard defines it, against eight bytes a step: every length up to 40 at
    /// every place in eight, and cut in two at every place.
    @Test func theChecksumIsTheSameHoweverItIsCut() {
        func bitByBit(_ bytes: ArraySlice<UInt8>) -> UInt32 {
            var value = ~UInt32(0)
            for byte in bytes {
                value ^= UInt32(byte)
                for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
            }
            return ~value
        }
        let bytes = (0..<48).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
        for start in 0..<8 {
            for count in 0...40 {
                let part = Array(bytes[start..<(start + count)])
                let expected = bitByBit(part[...])
                for cut in 0...count {
                    var checksum = Checksum()
                    checksum.add(part.span.bytes.extracting(first: cut))
                    checksum.add(part.span.bytes.extracting(droppingFirst: cut))
                    #expect(checksum.value == expected, "\(start), \(count), \(cut)")
                }
            }
        }
    }

    @Test func whatWasWrittenIsRead() throws {
        var (bytes, ends) = Self.file(5...9)
        let range = SessionRange(from: 10, to: 12)
        SpoolFormat.append(
            givenUp: range, seed: SpoolFormat.seed(of: bytes.span.bytes), to: &bytes)
        let contents = try #require(Self.parse(bytes))
        #expect(contents.header == Self.header())
        #expect(contents.goodBytes == bytes.count && contents.badBytes == 0)
        #expect(contents.records.map(\.number) == [5, 6, 7, 8, 9, 10])
        for record in contents.records.dropLast() {
            #expect(Array(bytes[record.frame]) == Self.frame(record.number))
        }
        #expect(contents.records.last?.messageClass == nil && contents.records.last?.to == 12)
        #expect(ends.count == 5)
    }

    @Test func aFileCutOffAnywhereGivesTheRecordsBeforeTheCut() throws {
        let (bytes, ends) = Self.file(1...5)
        for cut in 0...bytes.count {
            let part = Array(bytes.prefix(cut))
            let contents = Self.parse(part)
            guard cut >= SpoolFormat.headerBytes else {
                #expect(contents == nil)
                continue
            }
            let whole = ends.filter { $0 <= cut }
            let found = try #require(contents)
            #expect(found.records.count == whole.count, "cut at \(cut)")
            #expect(found.goodBytes == whole.last ?? SpoolFormat.headerBytes)
            #expect(found.goodBytes + found.badBytes == cut)
        }
    }

    @Test(arguments: [0x01, 0x80, 0xff] as [UInt8])
    func aByteFlippedAnywhereGivesTheRecordsBeforeIt(_ mask: UInt8) throws {
        let (bytes, ends) = Self.file(1...5)
        for place in bytes.indices {
            var flipped = bytes
            flipped[place] ^= mask
            let contents = Self.parse(flipped)
            guard place >= SpoolFormat.headerBytes else {
                #expect(contents == nil, "byte \(place)")
                continue
            }
            let found = try #require(contents)
            #expect(found.records.count == ends.filter { $0 <= place }.count, "byte \(place)")
        }
    }

    @Test func recordsOfAnotherFileAreNoneOfThisOne() throws {
        let (one, _) = Self.file(1...3)
        let (other, ends) = Self.file(4...6, Self.header(1))
        // What stood in the same block before, right behind the end.
        let mixed = one + other[SpoolFormat.headerBytes..<ends[0]]
        let contents = try #require(Self.parse(mixed))
        #expect(contents.records.count == 3 && contents.badBytes > 0)
    }

    // MARK: Files together

    @Test func whatFollowsABadByteIsGivenUpAndCounted() {
        var reader = SpoolEpochReader(owner: Self.owner)
        var (first, ends) = Self.file(1...4)
        first[ends[1] + 30] ^= 1
        #expect(reader.take(first) == .taken)
        #expect(reader.take(Self.file(5...7, Self.header(1, begins: false)).bytes) == .taken)
        #expect(reader.frames?.numbers.next == 3)
        #expect(reader.messagesGivenUp == 3 && reader.bytesCutOff == first.count - ends[1])
    }

    @Test func aFileThatWasBegunAnewIsTakenWhateverStandsBefore() {
        var reader = SpoolEpochReader(owner: Self.owner)
        let torn = Array(Self.file(1...4).bytes.dropLast(3))
        #expect(reader.take(torn) == .taken)
        #expect(reader.take([1, 2, 3]) == .damaged)
        #expect(reader.take(Self.file(2...8, Self.header(2)).bytes) == .taken)
        #expect(reader.frames?.numbers.first == 1 && reader.frames?.numbers.next == 9)
        #expect(reader.frames.map { Array($0[4]) } == Self.frame(4))
        #expect(reader.messagesGivenUp == 0)
    }

    @Test func filesOfAnotherMachineOrGenerationAreForeign() {
        for owner in [
            SpoolOwner(machineID: "other", generation: "77"),
            SpoolOwner(machineID: "0123456789abcdef", generation: "78"),
        ] {
            var reader = SpoolEpochReader(owner: Self.owner)
            #expect(reader.take(Self.file(1...2, Self.header(owner: owner)).bytes) == .foreign)
            #expect(reader.frames == nil)
        }
    }

    @Test func theOldestMetricsAreGivenUpAndDeclaredAndResultsNever() throws {
        var reader = SpoolEpochReader(owner: Self.owner)
        _ = reader.take(Self.file(1...12).bytes)
        var frames = try #require(reader.frames)
        // Numbers of which the rest by three is 2 are metrics.
        #expect(frames.giveUpMetrics(bytes: 20) == 2)
        #expect(frames.numbers.first == 1 && frames.numbers.next == 13)
        // Written anew and read again, it is the same.
        var again = SpoolEpochReader(owner: Self.owner)
        #expect(again.take(frames.encode(Self.owner)) == .taken)
        #expect(again.frames?.numbers == frames.numbers)
        #expect(frames.giveUpMetrics(bytes: .max) == 2)
        var left: [UInt64] = []
        frames.forEachFrame { number, messageClass, _ in
            left.append(number)
            #expect(messageClass != .metrics)
        }
        #expect(left == [1, 3, 4, 6, 7, 9, 10, 12])
    }
}
