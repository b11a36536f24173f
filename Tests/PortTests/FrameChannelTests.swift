import CAllocationCounter
import CLinux
import Glibc
import IOEngine
import Kernel
import Slabs
import Testing

@testable import Port

/// A port on one end of a socket pair; the test holds the other end.
final class Bench: PortOwner {
    let engine: IOEngine
    let channel: FrameChannel
    let port: Port
    let far: Int32
    var arrivals = 0
    var frames: [[UInt8]] = []
    var frameCount = 0
    var keepsFrames = true
    var overlong: [UInt64] = []
    var greets = true
    var ended: PortError?

    init(
        _ choice: IOEngine.Choice, sizes: FrameChannel.Sizes = FrameChannel.Sizes(),
        keepsData: Bool = false
    ) throws {
        engine = try IOEngine(choice)
        channel = try FrameChannel(engine: engine, sizes: sizes, keepsData: keepsData)
        var ends: [Int32] = [0, 0]
        guard clinux_socketpair(&ends) == 0 else { throw Errno.current }
        far = ends[1]
        port = Port(
            engine: engine, endpoint: .descriptor(ends[0]), channel: channel,
            timers: (TimerKey(0), TimerKey(1)))
        port.owner = self
        port.start()
    }

    func hostArrived(at port: Port) {
        arrivals += 1
        if greets { _ = put(control: "{\"hello\":\(arrivals)}\n") }
    }
    func hostLeft(_ port: Port) {}
    func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {}
    func portEnded(_ port: Port, with error: PortError) { ended = error }

    func framesCame(to port: Port) {
        channel.forEachReceived { received in
            switch received {
            case .frame(let readable, let count):
                frameCount += 1
                if keepsFrames {
                    var copy: [UInt8] = []
                    readable.extracting(first: count).withUnsafeBytes { copy = Array($0) }
                    frames.append(copy)
                }
            case .overlong(let bytes): overlong.append(bytes)
            }
        }
    }

    func put(control text: String) -> Bool {
        channel.appendControl { Self.fill($0, Array(text.utf8)) }
    }
    func put(data text: String) -> Bool { put(data: Array(text.utf8)) }
    func put(data bytes: [UInt8]) -> Bool { channel.appendData { Self.fill($0, bytes) } }

    static func fill(_ space: consuming MutableRawSpan, _ bytes: [UInt8]) -> Int {
        guard space.byteCount >= bytes.count else { return 0 }
        var space = space
        space.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
        return bytes.count
    }

    func turn(milliseconds: UInt64 = 5) {
        engine.turn(until: MonotonicTime.now.adding(milliseconds: milliseconds)) { completion in
            if let other = port.handle(completion) { discard(other) }
        }
        channel.sendMore()
    }

    private func discard(_ completion: consuming Completion) {
        switch consume completion {
        case .read(_, let lease, _): lease.abandon()
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }

    func turn(until isDone: () -> Bool) {
        let limit = MonotonicTime.now.adding(milliseconds: 8000)
        while !isDone() {
            guard MonotonicTime.now < limit else {
                Issue.record("it did not happen within eight seconds")
                return
            }
            turn()
        }
    }

    /// Everything that has come out at the far end so far.
    func drain() -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = read(far, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes
    }

    func stop() {
        port.stop()
        turn(until: { port.isClosed })
        close(far)
    }
}

private let bothEngines: [IOEngine.Choice] = [.uring, .epoll]

@Suite struct FrameChannelTests {
    @Test(arguments: bothEngines)
    func aHostHearsALoneNewlineFirstAndThenTheGreeting(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.turn()
        bench.turn()
        #expect(String(decoding: bench.drain(), as: UTF8.self) == "\n{\"hello\":1}\n")
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func frameAfterFrameOfAMebibyteIsContiguousAtEveryOffset(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.keepsFrames = false
        // Sizes that share no factor with the ring: the seam falls everywhere in a frame.
        var sent = 0
        for number in 0..<24 {
            let size = 1_048_575 - number * 1013
            let frame = [UInt8](repeating: UInt8(ascii: "a") + UInt8(number), count: size) + [10]
            var offset = 0
            while offset < frame.count {
                let count = frame[offset...].withUnsafeBytes {
                    write(bench.far, $0.baseAddress, $0.count)
                }
                if count > 0 { offset += count }
                bench.turn(milliseconds: 1)
            }
            sent += 1
            bench.turn(until: { bench.frameCount == sent })
        }
        #expect(bench.frameCount == 24 && bench.overlong.isEmpty)
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func theBytesOfAFrameThatCrossesTheSeamAreRight(_ choice: IOEngine.Choice) throws {
        var sizes = FrameChannel.Sizes()
        sizes.receive = 17
        let bench = try Bench(choice, sizes: sizes)
        for number in 0..<8 {
            let frame = (0..<300_000).map { UInt8(33 + ($0 * 7 + number) % 90) }
            var offset = 0
            let line = frame + [10]
            while offset < line.count {
                let count = line[offset...].withUnsafeBytes {
                    write(bench.far, $0.baseAddress, $0.count)
                }
                if count > 0 { offset += count }
                bench.turn(milliseconds: 1)
            }
            bench.turn(until: { bench.frames.count == number + 1 })
            #expect(bench.frames.last == frame)
        }
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func anOverlongLineIsToldOnceAndTheNextFrameIsFine(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        let chunk = [UInt8](repeating: UInt8(ascii: "{"), count: 100_000)
        var left = 5_000_000
        while left > 0 {
            let count = write(bench.far, chunk, min(left, chunk.count))
            if count > 0 { left -= count }
            bench.turn(milliseconds: 1)
        }
        let rest = Array("\n{\"next\":1}\n".utf8)
        #expect(write(bench.far, rest, rest.count) == rest.count)
        bench.turn(until: { bench.frames.count == 1 })
        #expect(bench.overlong == [5_000_001])
        #expect(bench.frames == [Array("{\"next\":1}".utf8)])
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func controlOvertakesDataButNeverInsideAFrame(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.turn()
        _ = bench.drain()
        // Nobody reads: the data fills the socket and stops in the middle of a frame.
        let frame = [UInt8](repeating: UInt8(ascii: "d"), count: 399_999) + [10]
        #expect(bench.put(data: frame) && bench.put(data: frame))
        for _ in 0..<10 { bench.turn(milliseconds: 1) }
        #expect(bench.put(control: "{\"urgent\":1}\n"))
        var out: [UInt8] = []
        bench.turn(until: {
            out += bench.drain()
            return out.count == 800_000 + 13
        })
        let lines = out.split(separator: 10).map { $0.count }
        #expect(lines == [399_999, 12, 399_999])
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func aHostThatIsReplacedDuringAWriteGetsNoRestOfAFrame(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.turn()
        _ = bench.drain()
        let frame = [UInt8](repeating: UInt8(ascii: "d"), count: 399_999) + [10]
        #expect(bench.put(data: frame) && bench.put(data: frame))
        for _ in 0..<10 { bench.turn(milliseconds: 1) }
        #expect(bench.channel.isWriteInFlight)
        // Another host in its place, while the write for the old one waits for room.
        #expect(!bench.channel.hostArrived())
        var out: [UInt8] = []
        bench.turn(until: {
            out += bench.drain()
            return bench.channel.isSynchronized
        })
        #expect(bench.put(control: "{\"hello\":2}\n"))
        bench.turn(until: {
            out += bench.drain()
            return bench.channel.unsentDataBytes == 0 && !bench.channel.isWriteInFlight
        })
        out += bench.drain()
        let lines = out.split(separator: 10, omittingEmptySubsequences: false)
        // The first part, ended by the newline that greets; then the frame not begun, whole, and
        // the greeting, which came when that may have begun.
        #expect(lines.count == 4 && lines[0].count < 399_999)
        let whole = lines.dropFirst().dropLast().sorted { $0.count < $1.count }
        #expect(String(decoding: whole.first ?? [], as: UTF8.self) == "{\"hello\":2}")
        #expect(whole.last?.count == 399_999)
        #expect(bench.channel.counters.framesCutOff == 1)
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func aFullRingIsBackPressure(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        let frame = [UInt8](repeating: UInt8(ascii: "x"), count: 99_999) + [10]
        var accepted = 0
        while bench.put(data: frame) { accepted += 1 }
        #expect(accepted == SlabLimits.sendSlabsDefault * 65_536 / 100_000)
        bench.turn(until: {
            _ = bench.drain()
            return bench.channel.unsentDataBytes == 0
        })
        #expect(bench.put(data: frame))
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func aFrameCostsNoAllocationFromTheSocketToTheConsumer(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.keepsFrames = false
        let line = Array(
            "{\"type\":\"metrics\",\"value\":123456789,\"text\":\"some more text\"}\n".utf8)
        let block = (0..<500).flatMap { _ in line }
        func exchange() {
            let count = write(bench.far, block, block.count)
            // No #expect here: it allocates.
            precondition(count == block.count)
            let goal = bench.frameCount + 500
            while bench.frameCount < goal { bench.turn() }
        }
        for _ in 0..<5 { exchange() }
        let before = callocation_counter_of_this_thread()
        for _ in 0..<20 { exchange() }
        let allocations = callocation_counter_of_this_thread() - before
        // Nothing is allocated for a frame. Of what there is, the uring engine allocates nothing at
        // all when it is optimised; the epoll engine twice a wake-up, whatever comes with it.
        // Without optimisation some closures live on the heap: a few a wake-up.
        #if DEBUG
            let allocationsMax = 20 * 40
        #else
            let allocationsMax = choice == .uring ? 0 : 20 * 2
        #endif
        #expect(allocations <= allocationsMax, "for 10,000 frames in 20 wake-ups")
        bench.stop()
    }

    @Test(arguments: bothEngines)
    func theEndOfADescriptorIsTold(_ choice: IOEngine.Choice) throws {
        let bench = try Bench(choice)
        bench.turn()
        let half = Array("{\"half\":".utf8)
        #expect(write(bench.far, half, half.count) == half.count)
        shutdown(bench.far, Int32(SHUT_RDWR))
        bench.turn(until: { bench.ended != nil })
        #expect(bench.ended == .hostDisconnected(path: "fd:\(bench.portNumber)"))
        #expect(bench.frames.isEmpty && bench.channel.counters.framesAbandoned == 1)
        close(bench.far)
    }
}

extension Bench {
    var portNumber: Int32 {
        guard case .descriptor(let number) = port.endpoint else { return -1 }
        return number
    }
}
