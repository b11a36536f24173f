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

    /// Streams that receive, and the other ends of them.
    private func receiving(
        _ count: Int, _ engine: IOEngine, _ pool: SlabPool
    ) throws -> (inlets: [Int: Inlet], ends: [Int32]) {
        var inlets: [Int: Inlet] = [:]
        var ends: [Int32] = []
        for _ in 0..<count {
            let (one, other) = try SocketPair().split()
            let stream = try engine.attach(FileDescriptor(owning: one), .socket)
            engine.receive(stream)
            inlets[stream.place] = Inlet(pool)
            ends.append(other)
        }
        // The requests go to the kernel, which has nothing for them yet.
        engine.turn(until: .now) { discard($0) }
        return (inlets, ends)
    }

    /// One turn without a limit, and how many streams it brought something for: it ends by itself.
    private func turnOnce(_ engine: IOEngine, _ pool: SlabPool, _ inlets: [Int: Inlet]) -> Int {
        var count = 0
        engine.turn { completion in
            guard case .read(let stream, let lease, let transfer) = consume completion else {
                return
            }
            count += 1
            inlets[stream.place]?.take(lease, transfer, pool)
        }
        return count
    }

    @Test func whereSeveralCameAtOnceOneWaitGathersForAMoment() throws {
        let engine = try IOEngine(.uring, streamsMax: 80)
        let pool = try SlabPool(slabCount: 128)
        try engine.share(pool)
        let (inlets, ends) = try receiving(64, engine, pool)
        defer { for end in ends { Glibc.close(end) } }
        func say(_ places: Range<Int>) { for end in ends[places] { Glibc.write(end, "x\n", 2) } }
        // A message by itself, again and again: no wait is for more than one.
        for _ in 0..<5 {
            say(0..<1)
            #expect(turnOnce(engine, pool, inlets) == 1)
        }
        #expect(engine.counters.gatheringWaits == 0)
        // Two at once: the next wait hopes for more, and brings what there is.
        say(0..<2)
        #expect(turnOnce(engine, pool, inlets) == 2)
        say(2..<3)
        #expect(turnOnce(engine, pool, inlets) == 1)
        #expect(engine.counters.gatheringWaits == 1)
        say(3..<4)
        #expect(turnOnce(engine, pool, inlets) == 1)
        #expect(engine.counters.gatheringWaits == 1)
        // Nothing came in that moment: the turn brings nothing, and the next has patience again.
        say(0..<2)
        #expect(turnOnce(engine, pool, inlets) == 2)
        #expect(turnOnce(engine, pool, inlets) == 0)
        say(0..<1)
        #expect(turnOnce(engine, pool, inlets) == 1)
        #expect(engine.counters.gatheringWaits == 2)
        // More than are waited for: nothing is left behind. Some kernels bring 20 a wait at most.
        say(0..<64)
        var count = 0
        while count < 64 { count += turnOnce(engine, pool, inlets) }
        #expect(count == 64)
        let lines = inlets.values.map(\.lines.count)
        #expect(lines.reduce(0, +) == 76)
        #expect(engine.counters.gatheringWaits > 2)
    }

    @Test func aFewStreamsAreNotGatheredFor() throws {
        let engine = try IOEngine(.uring)
        let pool = try SlabPool(slabCount: 16)
        try engine.share(pool)
        let (inlets, ends) = try receiving(7, engine, pool)
        defer { for end in ends { Glibc.close(end) } }
        for _ in 0..<3 {
            for end in ends { Glibc.write(end, "x\n", 2) }
            #expect(turnOnce(engine, pool, inlets) == 7)
        }
        #expect(engine.counters.gatheringWaits == 0)
    }
}
