import CLiburing
import CLinux
import Foundation
import Glibc
import Kernel
import Slabs
import Testing

@testable import IOEngine

/// Kernels that refuse io_uring, or a part of it.
@Suite struct RefusalTests {
    private static let setUp: Int32 = 425
    private static let register: Int32 = 427
    private static let errors = [EPERM, ENOSYS, ENOMEM, EINVAL]

    /// Runs `body` on a thread of its own, which a filter of system calls ends with.
    private func apart<Value: Sendable>(
        refusing call: Int32, _ argument: Int32, _ error: Int32,
        _ body: @escaping @Sendable () throws -> Value
    ) throws -> Value {
        nonisolated(unsafe) var result: Result<Value, any Error>?
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            result = Result {
                guard clinux_refuse_call(call, argument, error) == 0 else { throw Errno.current }
                return try body()
            }
            done.signal()
        }
        thread.start()
        done.wait()
        return try result!.get()
    }

    /// Bytes go through the engine and back.
    private static func carries(_ engine: IOEngine) throws -> Bool {
        let (one, other) = try SocketPair().split()
        defer { Glibc.close(other) }
        let line = try Line(engine, FileDescriptor(owning: one))
        line.put(Array("hello".utf8))
        line.startWrite()
        line.startRead()
        _ = Glibc.write(other, "there", 5)
        turn(engine, [line]) { line.lastRead != nil && line.lastWrite != nil }
        defer { close(engine, [line]) }
        return line.takeAll() == Array("there".utf8) && line.lastWrite == .bytes(5)
    }

    @Test(arguments: errors)
    func aSeccompFilterThatRefusesTheRingLeavesEpoll(_ error: Int32) throws {
        let (kind, why, works) = try apart(refusing: Self.setUp, -1, error) {
            let engine = try IOEngine(.automatic)
            return (engine.kind, engine.fallback?.errno.rawValue, try Self.carries(engine))
        }
        #expect(kind == .epoll)
        #expect(why == error)
        #expect(works)
    }

    @Test(arguments: errors)
    func aRingThatCannotBeRestrictedIsNotUsed(_ error: Int32) throws {
        let (kind, works) = try apart(
            refusing: Self.register, Int32(IORING_REGISTER_RESTRICTIONS), error
        ) {
            let engine = try IOEngine(.automatic)
            return (engine.kind, try Self.carries(engine))
        }
        #expect(kind == .epoll)
        #expect(works)
    }

    @Test(arguments: [EINVAL, ENOMEM, EPERM])
    func memoryThatCannotBeRegisteredIsUsedByItsAddress(_ error: Int32) throws {
        let (kind, state, works) = try apart(
            refusing: Self.register, Int32(IORING_REGISTER_BUFFERS_UPDATE), error
        ) {
            let engine = try IOEngine(.automatic)
            let works = try Self.carries(engine)
            return (engine.kind, engine.registration, works)
        }
        #expect(kind == .uring)
        let errno = Errno(rawValue: error)
        #expect(state == (error == ENOMEM ? .retrying(errno) : .refused(errno)))
        #expect(works)
    }

    @Test(arguments: [8 << 20, 1 << 20, 64 << 10])
    func littleLockedMemoryIsEnough(_ bytes: Int) throws {
        // The limit binds a thread without privilege only, and its user for good: a child has it.
        let child = Process()
        child.executableURL = URL(filePath: "/usr/bin/prlimit")
        let user = "\(UInt32.random(in: 500_001...900_000))"
        let own = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
        let vireo = URL(filePath: own).deletingLastPathComponent().path + "/vireo"
        let folder = "/tmp/vireo-locked-\(user)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Another process writes the copy: a child that another test forks meanwhile would hold the
        // open file up to its exec, and running it would fail with ETXTBSY.
        let install = Process()
        install.executableURL = URL(filePath: "/usr/bin/install")
        install.arguments = ["-D", vireo, folder + "/vireo"]
        try install.run()
        install.waitUntilExit()
        try #require(install.terminationStatus == 0)
        if geteuid() == 0 { chown(folder, UInt32(user)!, UInt32(user)!) }
        let change =
            geteuid() == 0
            ? ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] : []
        child.arguments =
            ["--memlock=\(bytes):\(bytes)"] + change + [
                folder + "/vireo", "bench", "receive", "--listen", folder + "/s", "--engine",
                "uring", "--json",
            ]
        let output = Pipe()
        child.standardOutput = output
        try child.run()
        let number = try connect(folder + "/s")
        let lines = Array(repeating: UInt8(ascii: "x"), count: 99) + [10]
        for _ in 0..<1000 { #expect(Glibc.write(number, lines, lines.count) == lines.count) }
        Glibc.close(number)
        child.waitUntilExit()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(child.terminationStatus == 0)
        #expect(text.contains("\"frames\":1000,"), "\(text)")
        #expect(text.contains("\"engine\":\"uring\""))
    }

    private func connect(_ path: String) throws -> Int32 {
        for _ in 0..<500 {
            let number = clinux_unix_connect(path)
            if number >= 0 {
                _ = fcntl(number, F_SETFL, 0)
                return number
            }
            usleep(10_000)
        }
        throw Errno.current
    }

    @Test func theRingRunsNoOperationThatTheEngineDoesNotUse() throws {
        let engine = try UringEngine(table: StreamTable(streamsMax: 4), waker: Waker())
        defer { engine.shutDown() }
        func result(_ prepare: (UnsafeMutablePointer<io_uring_sqe>) -> Void) -> Int32? {
            let entry = engine.submission()
            prepare(entry)
            io_uring_sqe_set_data64(entry, 0)
            io_uring_submit_and_wait(engine.ring, 1)
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            guard io_uring_peek_batch_cqe(engine.ring, &completion, 1) == 1 else { return nil }
            defer { io_uring_cq_advance(engine.ring, 1) }
            return completion?.pointee.res
        }
        // The first submission also carries the poll for wakes, which does not end.
        #expect(result { io_uring_prep_nop($0) } == -EACCES)
        #expect(
            result { io_uring_prep_openat($0, AT_FDCWD, "/etc/passwd", O_RDONLY, 0) } == -EACCES)
        var byte: UInt8 = 0
        #expect(result { io_uring_prep_read($0, -1, &byte, 1, 0) } == -EBADF)
    }
}
