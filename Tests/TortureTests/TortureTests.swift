import Foundation
import Glibc
import Testing

/// Every system call of the engine fails once, the first, the second, and so on until there is none
/// left to fail. Whatever happens, nothing is lost without a word and nothing is left behind.
@Suite(.serialized) struct TortureTests {
    /// A call, and the errors that it can truly have. EAGAIN where data is there is none of them;
    /// where there is room it is, for the room may have come a moment later.
    struct Target: CustomStringConvertible, Sendable {
        let engine: String
        let call: String
        let errors: [String]
        var description: String { "\(engine) \(call)" }
    }

    static let targets: [Target] = [
        Target(
            engine: "auto", call: "io_uring_setup",
            errors: ["ENOSYS", "EPERM", "ENOMEM", "EINVAL", "EMFILE"]),
        Target(
            engine: "auto", call: "io_uring_register",
            errors: ["EINVAL", "ENOMEM", "EPERM", "EOPNOTSUPP"]),
        Target(engine: "uring", call: "io_uring_enter", errors: ["EINTR", "EAGAIN", "EBUSY"]),
        Target(engine: "auto", call: "memfd_create", errors: ["EMFILE", "ENOMEM"]),
        Target(engine: "uring", call: "accept4", errors: ["ECONNABORTED", "EMFILE", "EINTR"]),
        Target(engine: "epoll", call: "epoll_create1", errors: ["EMFILE", "ENOMEM"]),
        Target(engine: "epoll", call: "epoll_ctl", errors: ["ENOMEM", "ENOSPC"]),
        Target(engine: "epoll", call: "epoll_pwait2", errors: ["EINTR", "ENOSYS"]),
        Target(
            engine: "epoll", call: "write",
            errors: ["EAGAIN", "EINTR", "ENOMEM", "EPIPE", "ECONNRESET"]),
        Target(
            engine: "uring", call: "write",
            errors: ["EAGAIN", "EINTR", "ENOMEM", "EPIPE", "ECONNRESET"]),
        Target(engine: "epoll", call: "accept4", errors: ["ENFILE", "ENOMEM", "EINTR"]),
        Target(engine: "auto", call: "eventfd2", errors: ["EMFILE", "ENOMEM"]),
        Target(engine: "auto", call: "signalfd4", errors: ["EMFILE", "ENOMEM"]),
        Target(engine: "auto", call: "listen", errors: ["EADDRINUSE", "EOPNOTSUPP"]),
    ]
    private static let linesCount = 8
    private static let numberMax = 200

    @Test(arguments: targets)
    func oneFailureLosesNothingUnseenAndLeavesNothingBehind(_ target: Target) throws {
        var injected = 0
        for error in target.errors {
            for number in 1...Self.numberMax {
                let fault = Victim.Fault(call: target.call, error: error, number: number)
                guard try endure(target.engine, fault) else { break }
                injected += 1
                #expect(number < Self.numberMax, "the scenario has an end")
            }
        }
        #expect(injected > 0, "\(target) was never called")
    }

    /// - Returns: whether there was a call to fail.
    private func endure(_ engine: String, _ fault: Victim.Fault) throws -> Bool {
        let victim = try Victim(engine, fault)
        // The first connection may be cut off by the failure, but what comes back is what was sent.
        if let first = victim.connect() {
            let baseline = victim.descriptorCount
            let whole = talk(first, fault)
            Glibc.close(first)
            // A second one is served, with nothing left of the first.
            if victim.isRunning, let second = victim.connect() {
                let isServed = talk(second, fault)
                let hasEnded = !whole && !isServed && !waitsOn(victim)
                #expect(isServed || hasEnded || !victim.wasInjectedLate(whole), "\(fault)")
                let now = victim.descriptorCount
                Glibc.close(second)
                if let baseline, let now, isServed {
                    #expect(now <= baseline + 2, "\(fault): \(now) descriptors, not \(baseline)")
                }
            }
        }
        let end = victim.end()
        let isSaid = end.status == 0 || end.text.contains("vireo:") || end.text.contains("rror")
        #expect(!end.isSignal, "\(fault): \(end)")
        #expect(isSaid, "\(fault): \(end)")
        return victim.wasInjected
    }

    private func waitsOn(_ victim: Victim) -> Bool {
        for _ in 0..<50 where victim.isRunning { usleep(10_000) }
        return victim.isRunning
    }

    /// Sends lines and reads them back: whether all came. What comes is never anything else.
    private func talk(_ number: Int32, _ fault: Victim.Fault) -> Bool {
        var got: [UInt8] = []
        var sent: [UInt8] = []
        for line in 0..<Self.linesCount {
            let text = Array("line \(line) \(String(repeating: "x", count: line * 100))\n".utf8)
            sent += text
            guard send(number, text, text.count, Int32(MSG_NOSIGNAL)) == text.count else {
                break
            }
            var room = [UInt8](repeating: 0, count: 4096)
            while got.count < sent.count {
                let count = read(number, &room, room.count)
                guard count > 0 else { break }
                got += room[0..<count]
            }
            guard got.count == sent.count else { break }
        }
        #expect(got == Array(sent.prefix(got.count)), "\(fault): other bytes came back")
        return got.count == sent.count
    }
}

extension Victim {
    /// The fault struck while the second connection was being served: that one may be cut off.
    func wasInjectedLate(_ firstWasWhole: Bool) -> Bool { !(firstWasWhole && wasInjected) }
}
