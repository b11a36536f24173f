import Foundation
import Glibc
import IOEngine
import Kernel
import Slabs
import TestSupport
import Testing

@Suite struct EngineTests {
    @Test(arguments: bothEngines)
    func bytesArriveWholeAndInOrderOverManySeams(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let (one, other) = try SocketPair().split()
        let left = try Line(engine, FileDescriptor(owning: one), slabs: 3)
        let right = try Line(engine, FileDescriptor(owning: other), slabs: 3)
        let total = 4 << 20
        // Whatever part of the stream is wanted is a part of this, at the position modulo a prime.
        let period = 65_521
        let pattern = (0..<(period + 65_536)).map {
            UInt8(truncatingIfNeeded: ($0 % period) &* 31 >> 3)
        }
        var random = SeededRandom()
        var put = 0
        var got = 0
        var isRight = true
        turn(engine, [left, right]) {
            while put < total, left.send.freeBytes > 0 {
                let count = min(left.send.freeBytes, total - put, 1 + random.below(9000))
                left.put(Array(pattern[(put % period)...].prefix(count)))
                put += count
            }
            left.startWrite()
            let came = right.takeAll()
            for start in stride(from: 0, to: came.count, by: 65_536) {
                let count = min(65_536, came.count - start)
                let expected = Array(pattern[((got + start) % period)...].prefix(count))
                isRight = isRight && expected == Array(came[start...].prefix(count))
            }
            got += came.count
            if !engine.isReading(right.stream) { right.startRead() }
            return got == total
        }
        #expect(isRight, "seed \(random.seed)")
        #expect(got == total)
        close(engine, [left, right])
        #expect(engine.streamCount == 0)
    }

    @Test(arguments: bothEngines)
    func aReadParksUntilSomethingComes(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let (one, other) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one))
        line.startRead()
        let key = TimerKey(3)
        let start = MonotonicTime.now
        engine.setTimer(key, at: start.adding(milliseconds: 30))
        var fired = false
        while !fired {
            engine.turn { completion in
                if isTimer(completion, key) { fired = true }
            }
        }
        #expect(line.lastRead == nil)
        #expect(MonotonicTime.now.nanoseconds(since: start) >= 30_000_000)
        #expect(write(other, "abc", 3) == 3)
        turn(engine, [line]) { line.lastRead != nil }
        #expect(line.lastRead == .bytes(3))
        #expect(line.takeAll() == Array("abc".utf8))
        Glibc.close(other)
        line.lastRead = nil
        line.startRead()
        turn(engine, [line]) { line.lastRead != nil }
        #expect(line.lastRead == .bytes(0))
        close(engine, [line])
    }

    @Test(arguments: bothEngines, [StreamKind.socket, .device])
    func aFullPeerStopsTheWriteAndItGoesOnAtTheExactByte(
        _ choice: IOEngine.Choice, _ kind: StreamKind
    ) throws {
        let engine = try IOEngine(choice)
        let (one, other) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one), slabs: 16, kind: kind)
        line.put((0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 251) })
        // Nobody reads: the socket fills, a write ends short, the next one waits.
        line.startWrite()
        var isParked = false
        while !isParked {
            let before = line.send.unsentBytes
            engine.turn(until: MonotonicTime.now.adding(milliseconds: 50)) { line.accept($0) }
            if line.send.unsentBytes == before && engine.isWriting(line.stream) {
                isParked = true
            } else if !engine.isWriting(line.stream) {
                line.startWrite()
            }
        }
        #expect(line.send.unsentBytes > 100_000)
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 7777)
        turn(engine, [line]) {
            while case let got = read(other, &chunk, chunk.count), got > 0 {
                received += chunk[..<got]
            }
            if !engine.isWriting(line.stream) { line.startWrite() }
            return received.count == 1_000_000 && line.send.unsentBytes == 0
        }
        #expect(received == (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 251) })
        Glibc.close(other)
        // A process that another test is starting at this moment may hold the end for a while.
        for _ in 0..<500 where line.lastWrite != .failed(.pipe) {
            line.put([1, 2, 3])
            line.lastWrite = nil
            line.startWrite()
            turn(engine, [line]) { line.lastWrite != nil }
            if line.lastWrite == .bytes(3) { usleep(10_000) }
        }
        #expect(line.lastWrite == .failed(.pipe))
        close(engine, [line])
    }

    @Test(arguments: bothEngines, [StreamKind.socket, .device])
    func closingGivesEveryLeaseBackAsCancelled(
        _ choice: IOEngine.Choice, _ kind: StreamKind
    ) throws {
        let engine = try IOEngine(choice, streamsMax: 2)
        for _ in 0..<100 {
            let (one, other) = try SocketPair().split()
            let line = try Line(
                engine, FileDescriptor(owning: one), slabs: 16, isRegistered: false, kind: kind)
            line.put([UInt8](repeating: 7, count: 1_000_000))
            // Nobody reads: the last write waits for room.
            for _ in 0..<100 where !engine.isWriting(line.stream) {
                line.startWrite()
                engine.turn(until: MonotonicTime.now.adding(milliseconds: 1)) { line.accept($0) }
            }
            line.startRead()
            engine.watch(line.stream)
            close(engine, [line])
            #expect(line.lastRead == .failed(.cancelled))
            #expect(line.lastWrite == .failed(.cancelled))
            #expect(engine.streamCount == 0)
            Glibc.close(other)
        }
    }

    @Test(arguments: bothEngines)
    func edgesTellOfTheStateAtFirstAndOfEachChange(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let (one, other) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one))
        engine.watch(line.stream)
        turn(engine, [line]) { !line.edges.isEmpty }
        #expect(line.edges.first == .output)
        line.edges = []
        engine.turn(until: MonotonicTime.now.adding(milliseconds: 20)) { line.accept($0) }
        #expect(line.edges.isEmpty)
        #expect(write(other, "x", 1) == 1)
        turn(engine, [line]) { !line.edges.isEmpty }
        #expect(line.edges.last?.contains(.input) == true)
        line.edges = []
        Glibc.close(other)
        turn(engine, [line]) { line.edges.contains { $0.contains(.hangUp) } }
        #expect(engine.poll(line.stream).contains(.hangUp))
        close(engine, [line])
    }

    @Test(arguments: bothEngines)
    func anotherThreadEndsTheWait(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let waker = engine.waker
        for _ in 0..<50 {
            let thread = Thread { waker.wake() }
            thread.start()
            var woken = false
            let limit = MonotonicTime.now.adding(milliseconds: 5000)
            while !woken && MonotonicTime.now < limit {
                engine.turn(until: limit) { completion in
                    if isWake(completion) { woken = true }
                }
            }
            #expect(woken)
        }
    }

    @Test(arguments: bothEngines)
    func anIdleEngineDoesNotTurn(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice)
        let (one, _) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one))
        line.startRead()
        engine.watch(line.stream)
        engine.turn(until: MonotonicTime.now.adding(milliseconds: 5)) { line.accept($0) }
        let before = engine.counters.waits
        engine.turn(until: MonotonicTime.now.adding(milliseconds: 200)) { line.accept($0) }
        engine.turn(until: MonotonicTime.now.adding(milliseconds: 200)) { line.accept($0) }
        #expect(engine.counters.waits <= before + 2)
        close(engine, [line])
    }

    @Test(arguments: bothEngines)
    func aPlaceIsRefusedWhenAllAreTaken(_ choice: IOEngine.Choice) throws {
        let engine = try IOEngine(choice, streamsMax: 1)
        let (one, other) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one))
        let error = #expect(throws: EngineError.self) {
            _ = try engine.attach(FileDescriptor(owning: other), .socket)
        }
        #expect(error?.errno == .tooManyFiles)
        close(engine, [line])
    }

    @Test func theKernelKnowsTheRingsAndUsesThem() throws {
        let engine = try IOEngine(.uring)
        let (one, other) = try SocketPair().split()
        defer { Glibc.close(other) }
        let line = try Line(engine, FileDescriptor(owning: one))
        #expect(engine.registration == .registered)
        // Nobody reads: what finds no room waits in the ring.
        var left = 0
        for _ in 0..<100 where engine.counters.fixedRequests == 0 {
            line.put([UInt8](repeating: 10, count: EngineLimits.requestBytesMax))
            left = line.send.unsentBytes
            line.startWrite()
            engine.turn(until: MonotonicTime.now.adding(milliseconds: 1)) { line.accept($0) }
        }
        #expect(engine.counters.fixedRequests == 1 && left > 0)
        let buffers = try ringDescriptions().joined(separator: "\n")
        #expect(buffers.contains("UserBufs:"), "\(buffers)")
        let size = buffers.components(separatedBy: "/131072").count - 1
        #expect(size >= 2, "two rings of 131,072 bytes each, once: \(buffers)")
        close(engine, [line])
    }

    /// What /proc says of each io_uring that this process has.
    private func ringDescriptions() throws -> [String] {
        try directoryNames("/proc/self/fd").compactMap { name in
            guard linkTarget("/proc/self/fd/\(name)") == "anon_inode:[io_uring]" else { return nil }
            return try String(contentsOfFile: "/proc/self/fdinfo/\(name)", encoding: .utf8)
        }
    }

    /// As on a port: the ring waits, and what can be done is done by plain calls.
    @Test func aRequestToADeviceIsOneTurn() throws {
        let engine = try IOEngine(.uring)
        let (one, other) = try SocketPair().split()
        let left = try Line(engine, FileDescriptor(owning: one), kind: .device)
        let right = try Line(engine, FileDescriptor(owning: other), kind: .device)
        right.startRead()
        engine.turn(until: .now) { discard($0) }
        let before = engine.counters
        left.put(Array("ping\n".utf8))
        left.startWrite()
        turn(engine, [left, right]) { right.lastRead != nil && left.lastWrite != nil }
        let after = engine.counters
        #expect(after.waits - before.waits <= 2)
        // The write, the read, and perhaps one that finds nothing.
        #expect((2...3).contains(after.otherCalls - before.otherCalls))
        close(engine, [left, right])
    }

    @Test func aWriteToASocketWithRoomTakesNoTurnOfTheRing() throws {
        let engine = try IOEngine(.uring)
        let (one, other) = try SocketPair().split()
        let line = try Line(engine, FileDescriptor(owning: one))
        engine.turn(until: .now) { discard($0) }
        let before = engine.counters
        line.put(Array("ping\n".utf8))
        line.startWrite()
        var room = [UInt8](repeating: 0, count: 8)
        #expect(read(other, &room, 8) == 5, "it is there before the next turn")
        turn(engine, [line]) { line.lastWrite == .bytes(5) }
        #expect(engine.counters.otherCalls == before.otherCalls + 1)
        #expect(engine.counters.waits == before.waits)
        Glibc.close(other)
        close(engine, [line])
    }
}

extension Line {
    /// A line whose rings are not introduced to the engine: for more lines than it has places for.
    convenience init(unregistered engine: IOEngine, _ descriptor: consuming FileDescriptor) throws {
        try self.init(engine, descriptor, slabs: 2, isRegistered: false)
    }
}
