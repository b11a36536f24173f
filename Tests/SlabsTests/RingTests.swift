import Foundation
import Slabs
import TestSupport
import Testing

@Suite struct RingTests {
    @Test func whatWasWrittenIsContiguousAtEveryOffset() throws {
        // One slab is enough to cross the seam at every offset in steps that are no divisor of it.
        var ring = try SendRing(slabCount: 1)
        var pattern: UInt8 = 0
        for _ in 0..<500 {
            let count = 40_961
            do {
                var free = ring.free()
                #expect(free.byteCount == 65_536)
                for offset in 0..<count {
                    free.storeBytes(
                        of: pattern &+ UInt8(truncatingIfNeeded: offset), toByteOffset: offset,
                        as: UInt8.self)
                }
            }
            ring.append(count)
            ring.unsent.withUnsafeBytes { unsent in
                #expect(unsent.count == count)
                for offset in stride(from: 0, to: count, by: 997) {
                    #expect(unsent[offset] == pattern &+ UInt8(truncatingIfNeeded: offset))
                }
            }
            ring.skip(count)
            ring.releaseSent()
            pattern &+= 7
        }
    }

    @Test func spansLieInsideTheMapping() throws {
        let ring = try ReceiveRing(slabCount: 2)
        let base = UInt(bitPattern: ring.region.address)
        let end = base + UInt(2 * ring.capacityBytes)
        ring.unread.withUnsafeBytes { bytes in
            let start = UInt(bitPattern: bytes.baseAddress!)
            #expect(start >= base && start < end)
        }
    }

    @Test func aLeaseEndsAtTheSeamAndThereIsOneAtATime() throws {
        var ring = try ReceiveRing(slabCount: 1)
        let first = ring.leaseFree(bytesMax: 60_000)!
        #expect(first.count == 60_000)
        if let second = ring.leaseFree(bytesMax: 1) {
            second.abandon()
            Issue.record("two leases at a time")
        }
        ring.commit(first, filled: 50_000)
        ring.consume(50_000)
        let seam = ring.leaseFree(bytesMax: 65_536)!
        #expect(seam.count == 15_536)
        ring.commit(seam, filled: 15_536)
        let afterSeam = ring.leaseFree(bytesMax: 65_536)!
        #expect(afterSeam.count == 50_000)
        ring.commit(afterSeam, filled: 0)
        #expect(ring.unreadBytes == 15_536)
    }

    /// What is held is the same bytes wherever the ring goes on, and the ring goes on near its
    /// start as long as little is held.
    @Test func aRingThatHoldsLittleBeginsAgain() throws {
        var ring = try ReceiveRing(slabCount: 16)
        var random = SeededRandom()
        let base = UInt(bitPattern: ring.region.address)
        var (written, read) = (0, 0)
        var lastOffset = 0
        var mostOffset = 0
        var beginnings = 0
        for round in 0..<300 {
            let lease = ring.leaseFree(bytesMax: 65_536)!
            let start = lease.address
            let offset = Int(UInt(bitPattern: start) - base)
            if offset < lastOffset { beginnings += 1 }
            lastOffset = offset
            mostOffset = max(mostOffset, offset)
            let count = Int.random(in: 1...lease.count, using: &random)
            for place in 0..<count {
                start.storeBytes(
                    of: UInt8(truncatingIfNeeded: (written + place) / 3), toByteOffset: place,
                    as: UInt8.self)
            }
            ring.commit(lease, filled: count)
            written += count
            // Up to the last 5,000 bytes: sometimes more than is moved.
            let held = min(ring.unreadBytes, random.below(5001))
            ring.unread.withUnsafeBytes { unread in
                let isRight = unread.indices.allSatisfy {
                    unread[$0] == UInt8(truncatingIfNeeded: (read + $0) / 3)
                }
                #expect(isRight, "seed \(random.seed), round \(round)")
            }
            read += ring.unreadBytes - held
            ring.consume(ring.unreadBytes - held)
        }
        #expect(beginnings > 20, "seed \(random.seed)")
        #expect(mostOffset < 800_000, "of 1 MiB, seed \(random.seed)")
        let moved = ring.movedBytes
        #expect(0 < moved && moved <= UInt64(beginnings * 4096), "seed \(random.seed)")
    }

    @Test func aFullRingIsBackPressureNotGrowth() throws {
        var ring = try ReceiveRing(slabCount: 1)
        let lease = ring.leaseFree(bytesMax: 65_536)!
        ring.commit(lease, filled: 65_536)
        #expect(ring.freeBytes == 0)
        if let more = ring.leaseFree(bytesMax: 1) {
            more.abandon()
            Issue.record("a lease of a full ring")
        }
        ring.consume(1)
        let one = ring.leaseFree(bytesMax: 65_536)!
        #expect(one.count == 1)
        ring.commit(one, filled: 0)
    }

    @Test func sentBytesAreKeptUntilReleased() throws {
        var ring = try SendRing(slabCount: 1)
        ring.append(100)
        let lease = ring.leaseUnsent(bytesMax: 40)!
        ring.complete(lease, sent: 30)
        #expect(ring.unsentBytes == 70 && ring.keptBytes == 30)
        #expect(ring.freeBytes == 65_536 - 100)
        ring.releaseSent()
        #expect(ring.keptBytes == 0 && ring.freeBytes == 65_536 - 70)
    }

    /// See `Tests/MisusedRing`, which is the process.
    @Test(arguments: ["a dropped lease", "a lease of another ring"])
    func misuseStopsTheProcess(_ rule: String) throws {
        #expect(try runMisused("nothing") == .init(text: "got to its end\n", isSignal: false))
        #expect(try runMisused(rule) == .init(text: "", isSignal: true))
    }

    private struct End: Equatable {
        var text: String
        var isSignal: Bool
    }

    private func runMisused(_ rule: String) throws -> End {
        let bundle = try #require(CommandLine.arguments.first { $0.hasSuffix(".xctest") })
        let program = Process()
        program.executableURL = URL(filePath: bundle).deletingLastPathComponent()
            .appending(path: "misused-ring")
        program.arguments = [rule]
        // A look at the stack takes seconds, and is no part of this.
        program.environment = ["SWIFT_BACKTRACE": "enable=no"]
        let output = Pipe()
        program.standardOutput = output
        program.standardError = FileHandle.nullDevice
        try program.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        program.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        return End(text: text, isSignal: program.terminationReason == .uncaughtSignal)
    }
}
