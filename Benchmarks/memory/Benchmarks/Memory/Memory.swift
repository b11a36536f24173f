import AllocationCount
import Benchmark
import Framing
import Slabs
import Wire

/// Calls of the allocator in all iterations of one measurement. There is to be none, and no noise in
/// it: `Benchmarks/memory/check` compares it with the files of the folder Thresholds.
let allocations = BenchmarkMetric.custom("allocations", useScalingFactor: false)

extension Benchmark {
    /// Measures `body` with its allocations, once for each scaled iteration.
    func counted(_ body: () -> Void) {
        let before = callocation_counter_of_this_thread()
        for _ in scaledIterations { body() }
        measurement(allocations, Int(callocation_counter_of_this_thread() - before))
    }
}

/// The parts of the data path that touch memory only: one iteration is 64 KiB, or one message.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.instructions, .cpuTotal, .throughput, allocations], warmupIterations: 10,
        scalingFactor: .kilo, maxDuration: .seconds(2))

    let lines = [UInt8]((0..<65_536).map { $0 % 256 == 255 ? 10 : 120 })

    Benchmark("scan 64 KiB of 256 B frames") { benchmark in
        benchmark.counted {
            var scanner = FrameScanner()
            var position = 0
            var frames = 0
            let bytes = RawSpan(_elements: lines.span)
            while case .frame(let frame) = scanner.next(bytes.extracting(droppingFirst: position)) {
                position += frame.consumed
                frames += 1
            }
            precondition(frames == 256)
            blackHole(frames)
        }
    }

    Benchmark("slab turn-over, 64 KiB") { benchmark in
        var ring = try! ReceiveRing(isPopulated: true)
        benchmark.counted {
            let lease = ring.leaseFree(bytesMax: SlabLimits.slabBytes)!
            let count = lease.count
            ring.commit(lease, filled: count)
            blackHole(ring.unread.byteCount)
            ring.consume(count)
        }
    }

    Benchmark("write 2 KiB into the send ring") { benchmark in
        var ring = try! SendRing(isPopulated: true)
        benchmark.counted {
            do {
                var free = ring.free()
                free.withUnsafeMutableBytes { room in
                    room.copyBytes(from: lines[0..<2048])
                }
            }
            ring.append(2048)
            ring.skip(2048)
            ring.releaseSent()
        }
    }

    let acknowledgement = Array(
        #"{"type":"ack","epoch":"0123456789abcdef0123456789abcdef","sequence":123456}"#.utf8)

    Benchmark("parse an acknowledgement") { benchmark in
        var parser = try! JSONParser()
        // Its own memory grows with the first texts, and is kept.
        try! parser.parse(RawSpan(_elements: acknowledgement.span))
        benchmark.counted {
            try! parser.parse(RawSpan(_elements: acknowledgement.span))
            blackHole(parser.root.member("sequence") != nil)
        }
    }

    Benchmark("encode a request") { benchmark in
        var room = [UInt8](repeating: 0, count: 4096)
        benchmark.counted {
            var span = room.mutableSpan
            var writer = JSONWriter(span.mutableBytes)
            let message = MetricsRequest()
            blackHole(message.encode(into: &writer))
        }
    }
}
