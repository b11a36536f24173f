import Foundation
import Glibc
import IOEngine
import Kernel
import Slabs
import TestSupport
import Testing

/// Many streams in one pool of slabs.
@Suite struct PoolTests {
    /// One end of a stream that receives into the pool, and the lines that came of it.
    private final class Inlet {
        let input: PooledInput
        var lines: [[UInt8]] = []
        var transfers: [Transfer] = []
        var isFine = true
        var isClosed = false

        init(_ pool: SlabPool) { input = PooledInput(pool) }

        func take(_ lease: consuming SlabLease, _ transfer: Transfer, _ pool: SlabPool) {
            guard case .bytes(let count) = transfer, count > 0 else {
                transfers.append(transfer)
                return pool.giveBack(lease)
            }
            isFine = input.take(lease, filled: count) { unread, readable in
                unread.withUnsafeBytes { bytes in
                    #expect(readable.byteCount >= bytes.count)
                    var done = 0
                    while done < bytes.count,
                        let end = memchr(bytes.baseAddress! + done, 10, bytes.count - done)
                    {
                        let next = UnsafeRawPointer(end) - bytes.baseAddress! + 1
                        lines.append(Array(bytes[done..<next]))
                        done = next
                    }
                    return done
                }
            }
        }
    }

    private func turnAll(
        _ engine: IOEngine, _ pool: SlabPool, _ inlets: [Int: Inlet], until isDone: () -> Bool
    ) {
        let limit = MonotonicTime.now.adding(milliseconds: 60_000)
        while !isDone() {
            guard MonotonicTime.now < limit else {
                Issue.record("nothing came within a minute")
                return
            }
            engine.turn(until: limit) { completion in
                switch consume completion {
                case .read(let stream, let lease, let transfer):
                    guard let inlet = inlets[stream.place] else { return pool.giveBack(lease) }
                    inlet.take(lease, transfer, pool)
                case .closed(let stream): inlets[stream.place]?.isClosed = true
                case let other: discard(other)
                }
            }
        }
    }

    private func line(_ count: Int, _ seed: Int) -> [UInt8] {
        (0..<(count - 1)).map { UInt8(truncatingIfNeeded: ($0 &* 7 &+ seed) % 200 + 32) } + [10]
    }

    @Test(arguments: bothEngines)
    func framesOfEverySizeAreWholeAndEverySlabComesBack(_ choice: IOEngine.Choice) throws {
        var random = SeededRandom()
        let engine = try IOEngine(choice)
        // So few that they run out.
        let pool = try SlabPool(slabCount: 4, ringsMax: 3)
        try engine.share(pool)
        var inlets: [Int: Inlet] = [:]
        var streams: [IOStream] = []
        var wanted: [Int: [[UInt8]]] = [:]
        var senders: [Thread] = []
        for number in 0..<3 {
            let (one, other) = try SocketPair().split()
            let stream = try engine.attach(FileDescriptor(owning: one), .socket)
            engine.receive(stream)
            inlets[stream.place] = Inlet(pool)
            streams.append(stream)
            var sizes = [2, 65_535, 65_536, 65_537, 131_072, 200_000, 1_048_576, 5]
            sizes += (0..<200).map { _ in Int.random(in: 2...3000, using: &random) }
            let lines = sizes.enumerated().map { line($1, $0 + number) }
            wanted[stream.place] = lines
            let bytes = lines.flatMap { $0 }
            let piecesSeed = random.next()
            senders.append(
                Thread {
                    _ = fcntl(other, F_SETFL, 0)
                    var pieces = SeededRandom(seed: piecesSeed)
                    var sent = 0
                    while sent < bytes.count {
                        let count = min(bytes.count - sent, 1 + pieces.below(90_000))
                        let put = bytes[sent..<(sent + count)].withUnsafeBytes {
                            Glibc.write(other, $0.baseAddress, count)
                        }
                        if put < 0 { break }
                        sent += put
                    }
                    Glibc.close(other)
                })
        }
        for sender in senders { sender.start() }
        turnAll(engine, pool, inlets) { inlets.values.allSatisfy { !$0.transfers.isEmpty } }
        for (place, inlet) in inlets {
            #expect(inlet.transfers == [.bytes(0)])
            #expect(inlet.isFine && inlet.lines == wanted[place]!, "seed \(random.seed)")
            #expect(inlet.input.heldBytes == 0)
        }
        #expect(pool.heldCount == 0)
        #expect(pool.counters.ringsLent >= 3 && pool.counters.ringsRefused == 0)
        #expect(pool.counters.copiedBytes > 0)
        for stream in streams { engine.close(stream) }
        turnAll(engine, pool, inlets) { inlets.values.allSatisfy(\.isClosed) }
    }

    @Test func aShortFrameInOneSlabIsNotCopied() throws {
        let engine = try IOEngine(.automatic)
        let pool = try SlabPool(slabCount: 2)
        try engine.share(pool)
        let (one, other) = try SocketPair().split()
        let stream = try engine.attach(FileDescriptor(owning: one), .socket)
        engine.receive(stream)
        let inlet = Inlet(pool)
        for number in 0..<100 {
            let line = line(500, number)
            #expect(Glibc.write(other, line, line.count) == line.count)
            turnAll(engine, pool, [stream.place: inlet]) { inlet.lines.count == number + 1 }
            #expect(inlet.lines.last == line)
        }
        #expect(pool.counters.copiedBytes == 0)
        Glibc.close(other)
        engine.close(stream)
        turnAll(engine, pool, [stream.place: inlet]) { inlet.isClosed }
    }

    @Test func aLongFrameWithoutARingIsRefusedAndCounted() throws {
        let pool = try SlabPool(slabCount: 4, ringsMax: 1)
        let (first, second) = (PooledInput(pool), PooledInput(pool))
        func fill(_ input: PooledInput) throws -> Bool {
            let slab = try #require(pool.takeFree())
            return input.take(pool.lend(slab), filled: SlabLimits.slabBytes) { _, _ in 0 }
        }
        for input in [first, second] { for _ in 0..<2 { #expect(try fill(input)) } }
        #expect(try fill(first), "the one ring")
        #expect(try !fill(second))
        #expect(pool.counters.ringsRefused == 1)
        second.reset()
        first.reset()
        #expect(pool.heldCount == 0)
        for _ in 0..<3 { #expect(try fill(second), "the ring came back") }
        second.reset()
    }

    /// Open descriptors, and resident memory in kilobytes.
    private func footprint() throws -> (Int, Int) {
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (open, Int(text.split(separator: " ")[1])! * 4)
    }

    @Test(arguments: bothEngines)
    func connectionsThatComeAndGoLeaveNothingBehind(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let pool = try SlabPool(slabCount: 16)
        try engine.share(pool)
        func comeAndGo(_ count: Int) throws {
            for number in 0..<count {
                let (one, other) = try SocketPair().split()
                let stream = try engine.attach(FileDescriptor(owning: one), .socket)
                let inlet = Inlet(pool)
                engine.receive(stream)
                // Whole lines, half ones, and nothing.
                let text = Array("whole\nhalf".utf8.prefix([0, 6, 10][number % 3]))
                if !text.isEmpty { _ = Glibc.write(other, text, text.count) }
                Glibc.close(other)
                turnAll(engine, pool, [stream.place: inlet]) { !inlet.transfers.isEmpty }
                inlet.input.reset()
                engine.close(stream)
                turnAll(engine, pool, [stream.place: inlet]) { inlet.isClosed }
                #expect(inlet.lines.count == (number % 3 == 0 ? 0 : 1))
            }
        }
        try comeAndGo(2000)
        let before = try footprint()
        try comeAndGo(100_000)
        let after = try footprint()
        #expect(engine.streamCount == 0 && pool.heldCount == 0)
        // Other tests run beside this one: what a leak would leave is far beyond what they need.
        #expect(after.0 - before.0 < 1000)
        #expect(after.1 - before.1 < 100_000, "kilobytes for 100,000 connections")
    }
}
