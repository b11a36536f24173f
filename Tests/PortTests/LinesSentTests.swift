import IOEngine
import TestSupport
import Testing

@testable import Port

/// What the channel says that it sent is what came out at the other end, whatever was dropped,
/// passed over or sent once more in between.
@Suite struct LinesSentTests {
    @Test(arguments: [IOEngine.Choice.uring, .epoll], [false, true])
    func asManyLinesAsCameOut(_ choice: IOEngine.Choice, _ keepsData: Bool) throws {
        var random = SeededRandom()
        let bench = try Bench(choice, keepsData: keepsData)
        let channel = bench.channel
        if keepsData { try channel.expectEarlier() }
        bench.turn(until: { channel.isSending && channel.isSynchronized })
        var came: UInt64 = 0
        func drain() { came += UInt64(bench.drain().count { $0 == 10 }) }
        /// Kept frames, the oldest first, and how many of them were granted since the last session.
        var frames: [Int] = []
        var granted = 0
        for _ in 0..<3000 {
            let line =
                [UInt8](repeating: 120, count: random.below(random.below(8) == 0 ? 60_000 : 300))
                + [10]
            switch random.below(keepsData ? 11 : 6) {
            case 0: _ = bench.put(control: String(decoding: line.suffix(200), as: UTF8.self))
            case 1 where !keepsData: _ = bench.put(data: line)
            case 2: drain()
            case 3, 4: bench.turn(milliseconds: 0)
            case 5 where random.below(10) == 0:
                channel.hostLeft()
                _ = channel.hostArrived()
                granted = 0
            case 6 where !channel.hasLooseData:
                if channel.append(kept: { Bench.fill($0, line) }) > 0 { frames.append(line.count) }
            case 7 where granted < frames.count && channel.mayGrant && channel.isSynchronized:
                if random.below(8) == 0, channel.isAtFrameStart {
                    channel.pass(frames[granted])
                } else {
                    channel.grant(frames[granted])
                }
                granted += 1
            case 8 where !frames.isEmpty && !channel.hasLooseData && channel.isSynchronized:
                channel.release(frames.removeFirst())
                granted = max(0, granted - 1)
            case 9:
                if random.below(20) == 0 {
                    channel.restart()
                    granted = 0
                } else {
                    _ = channel.appendEarlier { Bench.fill($0, line) }
                }
            case 10 where frames.isEmpty && channel.keptBytes == 0:
                _ = channel.append(loose: { Bench.fill($0, line) })
            case 10
            where random.below(20) == 0 && !channel.isWriteInFlight && channel.isSynchronized
                && !channel.hasLooseData:
                _ = channel.takeKept()
                (frames, granted) = ([], 0)
            default: break
            }
            channel.sendMore()
        }
        bench.turn(until: {
            drain()
            return !channel.isWriteInFlight && channel.isSynchronized
        })
        drain()
        #expect(channel.linesSent == came)
        #expect(came > 100)
        bench.stop()
    }
}
