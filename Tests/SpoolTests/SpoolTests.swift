import Foundation
import Kernel
import Session
import Testing

@testable import Spool

/// The spool on a real folder.
@Suite struct SpoolTests {
    /// A folder of its own, and how a spool in it is waited for.
    final class Place: Sendable {
        let folder: String
        private let woken = DispatchSemaphore(value: 0)

        init() {
            var template = Array(
                ("/tmp/vireo-spool-" + String(repeating: "X", count: 6)).utf8CString)
            _ = mkdtemp(&template)
            folder = String(
                decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func open(
            _ epoch: SessionEpoch, owner: SpoolOwner = SpoolFormatTests.owner
        ) throws -> Spool {
            try Spool(folder: folder, owner: owner, epoch: epoch) { [woken] in woken.signal() }
        }

        /// Waits until `number` is safe, or something failed.
        func wait(_ spool: Spool, for number: UInt64) throws -> SpoolFailure? {
            while true {
                for outcome in spool.takeOutcomes() {
                    if outcome.failure != nil || outcome.through >= number {
                        return outcome.failure
                    }
                }
                let result = woken.wait(timeout: .now() + 20)
                try #require(result == .success, "the spool says nothing")
            }
        }

        var files: [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        }

        var bytes: Int {
            files.reduce(0) { sum, name in
                let path = "\(folder)/\(name)"
                let size = try? FileManager.default.attributesOfItem(atPath: path)[.size]
                return sum + ((size as? Int) ?? 0)
            }
        }

        /// As another process would see it: the lock of this one must not matter.
        func copy() throws -> Place {
            let other = Place()
            for name in files {
                try FileManager.default.copyItem(
                    atPath: "\(folder)/\(name)", toPath: "\(other.folder)/\(name)")
            }
            return other
        }
    }

    static func epoch(_ number: UInt64) -> SessionEpoch { SessionEpoch(high: number, low: 1) }

    private func append(_ numbers: ClosedRange<UInt64>, to spool: Spool, bytes: Int = 0) {
        for number in numbers {
            let frame = Array(repeating: UInt8(0x20), count: bytes) + SpoolFormatTests.frame(number)
            spool.append(frame.span.bytes, number: number, .metrics)
        }
    }

    @Test func whatIsSafeIsThereForTheNextLife() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        append(1...100, to: spool)
        #expect(try place.wait(spool, for: 100) == nil)
        let next = try place.copy()
        let again = try next.open(Self.epoch(2))
        #expect(again.report.isClean && again.failure == nil)
        #expect(again.earlier.map(\.epoch) == [Self.epoch(1)])
        let frames = try #require(again.earlier.first)
        #expect(frames.numbers.first == 1 && frames.numbers.next == 101)
        for number in UInt64(1)...100 {
            #expect(Array(frames[number]) == SpoolFormatTests.frame(number))
        }
        // Once it is acknowledged its file goes away.
        again.finished(Self.epoch(1))
        append(1...1, to: again)
        #expect(try next.wait(again, for: 1) == nil)
        #expect(next.files.count == 1)
    }

    @Test func whatIsAcknowledgedMakesRoom() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        for round in UInt64(0)..<20 {
            let numbers = (round * 10 + 1)...(round * 10 + 10)
            append(numbers, to: spool, bytes: 100_000)
            #expect(try place.wait(spool, for: numbers.upperBound) == nil)
            spool.acknowledged(through: numbers.upperBound - 5)
        }
        // 20 MB went through; a file, and one more of which the end is not acknowledged, are left.
        append(201...201, to: spool)
        #expect(try place.wait(spool, for: 201) == nil)
        #expect(place.bytes < 2 << 20 && place.files.count <= 3)
    }

    @Test func overTheLimitItSaysSoAndKeepsWhatItHas() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        var failure: SpoolFailure?
        var number: UInt64 = 0
        while failure == nil, number < 20 {
            number += 1
            append(number...number, to: spool, bytes: 900_000)
            failure = try place.wait(spool, for: number)
        }
        #expect(failure == .full && number == 10)
        #expect(place.bytes <= SpoolLimits.bytesMax)
        // The owner begins anew with what it keeps by then.
        spool.acknowledged(through: 9)
        spool.begin(Self.epoch(1), through: 0)
        append(10...11, to: spool)
        #expect(try place.wait(spool, for: 11) == nil)
        #expect(place.files.count == 1)
        let next = try place.copy().open(Self.epoch(2))
        #expect(next.earlier.first?.numbers.first == 10 && next.earlier.first?.numbers.next == 12)
    }

    @Test func anotherEpochTakesThePlaceOfTheFirst() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        append(1...5, to: spool)
        #expect(try place.wait(spool, for: 5) == nil)
        spool.begin(Self.epoch(7), through: 0)
        spool.append(givenUp: SessionRange(from: 1, to: 2))
        append(3...4, to: spool)
        #expect(try place.wait(spool, for: 4) == nil)
        let next = try place.copy().open(Self.epoch(2))
        #expect(next.earlier.map(\.epoch) == [Self.epoch(7)])
        #expect(next.earlier.first?.numbers.first == 1 && next.earlier.first?.numbers.next == 5)
    }

    @Test func aFolderInUseIsRefused() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        #expect(throws: ProgramFailure.self) { try place.open(Self.epoch(2)) }
        #expect(spool.failure == nil)
    }

    @Test func filesOfAnotherMachineAreTakenAwayAndCounted() throws {
        let place = Place()
        let spool = try place.open(Self.epoch(1))
        append(1...5, to: spool)
        #expect(try place.wait(spool, for: 5) == nil)
        let next = try place.copy()
        let other = SpoolOwner(machineID: "other", generation: "77")
        let again = try next.open(Self.epoch(2), owner: other)
        #expect(again.earlier.isEmpty && again.report.filesDiscarded == 1 && next.files.isEmpty)
    }

    @Test func moreThanTheLimitOfEarlierMetricsIsGivenUpAtTheStart() throws {
        let place = Place()
        for life in UInt64(1)...3 {
            var file = SpoolFormat.encode(
                .init(
                    owner: SpoolFormatTests.owner, epoch: Self.epoch(life), ordinal: life,
                    index: 0, begins: true))
            let seed = SpoolFormat.seed(of: file.span.bytes)
            for number in UInt64(1)...20 {
                let frame = [UInt8](repeating: 0x20, count: 99_999) + [0x0a]
                SpoolFormat.append(
                    frame, number: number, number % 2 == 0 ? .result : .metrics, seed: seed,
                    to: &file)
            }
            let path = "\(place.folder)/\(SpoolFolder.Name(life, 0).text)"
            try Data(file).write(to: URL(filePath: path))
        }
        let spool = try place.open(Self.epoch(9))
        // 6,000,000 bytes are 1,805,696 too many: 19 metrics, the oldest first.
        #expect(spool.report.metricsGivenUp == 19)
        var results = 0
        for frames in spool.earlier {
            #expect(frames.numbers.first == 1 && frames.numbers.next == 21)
            frames.forEachFrame { _, messageClass, _ in results += messageClass == .result ? 1 : 0 }
        }
        #expect(results == 30 && place.bytes < 4 << 20 + 4096 && place.files.count == 3)
    }
}
