import Bench
import CAllocationCounter
import Foundation
import Glibc
import IOEngine
import Kernel
import Synchronization
import Testing

@Suite struct ReceiveAndSendTests {
    @Test(arguments: bothEngines, [2, 100, 256, 4096, 100_000, 1_048_576])
    func everyFrameIsCounted(_ engine: IOEngine.Choice, _ lineBytes: Int) throws {
        let place = Place()
        let path = place.path
        let frames = UInt64(max(20, 3_000_000 / lineBytes))
        let receiving = Side { try Receiver(path: path, engine: engine).run() }
        let sent = try Sender(path: path, lineBytes: lineBytes, frames: frames, engine: engine)
            .run()
        let received = try receiving.value()
        for row in [sent, received] {
            #expect(row.count("frames") == frames)
            #expect(row.count("bytes") == frames * UInt64(lineBytes))
            let object = try row.object()
            for key in promisedKeys { #expect(object[key] != nil, "\(key) in \(row.json)") }
            #expect(object["engine"] as? String == engine.rawValue)
        }
        #expect(received.count("overlong") == 0)
    }

    @Test(arguments: bothEngines)
    func countingEndsAtTheFramesThatWereAskedFor(_ engine: IOEngine.Choice) throws {
        let place = Place()
        let path = place.path
        let receiving = Side { try Receiver(path: path, frames: 1234, engine: engine).run() }
        let sending = Side {
            try Sender(path: path, lineBytes: 256, frames: 1_000_000, engine: engine).run()
        }
        #expect(try receiving.value().count("frames") == 1234)
        let error = #expect(throws: ProgramFailure.self) { try sending.value() }
        #expect(error?.code == .inputOutput)
    }

    @Test(arguments: bothEngines)
    func manyConnectionsAreCountedTogether(_ engine: IOEngine.Choice) throws {
        let place = Place()
        let path = place.path
        let receiving = Side {
            try Receiver(path: path, connections: 70, engine: engine).run()
        }
        for _ in 0..<70 {
            _ = try Sender(path: path, lineBytes: 100, frames: 1000, engine: .epoll).run()
        }
        let row = try receiving.value()
        #expect(row.count("frames") == 70_000)
        #expect(row.count("connections") == 70)
    }

    @Test(arguments: bothEngines)
    func aFrameCostsNoAllocationAndFewSystemCalls(_ engine: IOEngine.Choice) throws {
        let place = Place()
        let path = place.path
        func allocations(frames: UInt64) throws -> (allocations: UInt64, calls: UInt64) {
            let receiving = Side {
                let before = callocation_counter_of_this_thread()
                let row = try Receiver(path: path, engine: engine).run()
                return (callocation_counter_of_this_thread() - before, row)
            }
            _ = try Sender(path: path, lineBytes: 256, frames: frames, engine: engine).run()
            let (allocations, row) = try receiving.value()
            return (allocations, row.count("system_calls") ?? .max)
        }
        let few = try allocations(frames: 1000)
        let many = try allocations(frames: 401_000)
        #expect(many.calls - min(many.calls, few.calls) <= 40_000, "0.1 a frame")
        // Not a matter of frames but of wake-ups; unoptimised, closures live on the heap.
        #if DEBUG
            let allocationsMax: UInt64 = 400_000
        #else
            let allocationsMax: UInt64 = engine == .uring ? 400 : 40_000
        #endif
        #expect(many.allocations - min(many.allocations, few.allocations) <= allocationsMax)
    }

    @Test func nobodyListeningIsSaid() {
        let place = Place()
        let error = #expect(throws: ProgramFailure.self) {
            _ = try Sender(path: place.path, lineBytes: 10, frames: 1, engine: .epoll)
        }
        #expect(error?.code == .unavailable)
        #expect(error.map { "\($0)".contains("ENOENT") } == true)
    }
}

@Suite struct EchoAndPingTests {
    /// Runs `body` with an echo on `path`, and says how many lines it answered.
    private func withEcho(
        _ engine: IOEngine.Choice, _ path: String, _ body: () throws -> Void
    ) throws -> UInt64 {
        let box = StopperBox()
        let ready = DispatchSemaphore(value: 0)
        let echoing = Side {
            defer { ready.signal() }
            let echo = try Echo(path: path, engine: engine)
            box.waker.withLock { $0 = echo.stopper }
            ready.signal()
            try echo.run()
            return echo.lines
        }
        ready.wait()
        defer { box.stop() }
        try body()
        box.stop()
        return try echoing.value()
    }

    @Test(arguments: bothEngines, [2, 256, 70_000, 1_048_576])
    func everyLineIsAnsweredWithItself(_ engine: IOEngine.Choice, _ lineBytes: Int) throws {
        let place = Place()
        let rounds = lineBytes > 1000 ? 20 : 500
        let lines = try withEcho(engine, place.path) {
            let row = try Ping(
                path: place.path, lineBytes: lineBytes, rounds: rounds, engine: engine
            ).run()
            #expect(row.count("frames") == UInt64(rounds))
            let object = try row.object()
            for key in promisedKeys + ["p50_us", "p99_us", "p999_us"] {
                #expect(object[key] != nil, "\(key) in \(row.json)")
            }
            let p50 = try #require(object["p50_us"] as? Double)
            let p999 = try #require(object["p999_us"] as? Double)
            #expect(p50 > 0 && p50 <= p999)
        }
        #expect(lines == UInt64(rounds + rounds / 10))
    }

    @Test(arguments: bothEngines)
    func connectionsAreServedAtOnceAndOneAfterTheOther(_ engine: IOEngine.Choice) throws {
        let place = Place()
        let path = place.path
        let lines = try withEcho(engine, path) {
            for _ in 0..<3 {
                let sides = (0..<4).map { _ in
                    Side { try Ping(path: path, lineBytes: 64, rounds: 200, engine: engine).run() }
                }
                for side in sides {
                    let row = try side.value()
                    #expect(row.count("frames") == 200)
                }
            }
        }
        #expect(lines == 12 * 220)
    }

    @Test(arguments: bothEngines)
    func aPeerThatSendsMuchAndReadsLateGetsAllOfIt(_ engine: IOEngine.Choice) throws {
        let place = Place()
        let path = place.path
        let total = 6_000_000
        _ = try withEcho(engine, path) {
            let number = try connect(path)
            defer { close(number) }
            let block = Array(String(repeating: "0123456789abcde\r\n", count: 1000).utf8)
            let sending = Side {
                var done = 0
                while done < total {
                    let count = write(number, block, min(block.count, total - done))
                    guard count == min(block.count, total - done) else { return done }
                    done += count
                }
                return done
            }
            usleep(100_000)
            var got: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            // The last line has no end, and is not answered.
            let whole = total - total % 17
            while got.count < whole {
                let count = read(number, &chunk, chunk.count)
                guard count > 0 else { break }
                got += chunk[..<count]
            }
            let sent = try sending.value()
            #expect(sent == total)
            #expect(got.count == whole)
            #expect(got.prefix(17_000) == block[...] && got.suffix(17) == block.suffix(17))
        }
    }

    private func connect(_ path: String) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        for _ in 0..<100 {
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return number }
            usleep(10_000)
        }
        throw POSIXError(.ECONNREFUSED)
    }
}
