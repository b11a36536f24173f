import Kernel
import TestSupport
import Testing
import Wire

@testable import Agent

/// Which commands run, and which do not run again.
@Suite struct RunningLedgerTests {
    static let epoch = Epoch(high: 1, low: 2)
    let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func response(_ id: String, bytes: Int = 10) -> RelayedMessage {
        var response = CommandResponse(
            id: id, success: true, commandType: "Exec", wallMilliseconds: 0)
        response.wallMilliseconds = nil
        response.stdout = String(repeating: "x", count: bytes)
        return RelayedMessage(response)!
    }

    private func admit(
        _ ledger: inout CommandLedger, _ id: String, kind: Command.Kind = .exec,
        binding: CommandBinding = .epoch, claimed: String? = epoch.description,
        hasRoom: Bool = true, at now: MonotonicTime? = nil
    ) -> CommandLedger.Verdict {
        ledger.admit(
            id: id, kind: kind, binding: binding, claimed: claimed, epoch: Self.epoch,
            hasRoom: hasRoom, at: now ?? start)
    }

    private func key(_ verdict: CommandLedger.Verdict) throws -> UInt64 {
        guard case .run(let key) = verdict else {
            Issue.record("\(verdict)")
            return 0
        }
        return key
    }

    private func code(_ verdict: CommandLedger.Verdict) -> ErrorCode? {
        if case .refused(let code, _) = verdict { code } else { nil }
    }

    @Test func aRepeatGetsTheOneResponseForSixtySeconds() throws {
        var ledger = CommandLedger()
        let key = try key(admit(&ledger, "a"))
        #expect(admit(&ledger, "a") == .underWay)
        ledger.answered(key, response("a"))
        #expect(admit(&ledger, "a") == .underWay, "it is resent until it is acknowledged")
        ledger.acknowledged(key, at: start)
        let late = start.adding(milliseconds: 59_999)
        #expect(admit(&ledger, "a", at: late) == .repeated(response("a")))
        let tooLate = start.adding(milliseconds: 60_000)
        #expect(code(admit(&ledger, "a", at: tooLate)) == .alreadyRun)
        #expect(ledger.keptBytes == 0)
    }

    @Test func whatWasRefusedWasNotRun() throws {
        var ledger = CommandLedger()
        let first = try key(admit(&ledger, "a"))
        ledger.refused(first)
        #expect(ledger.runningCount == 0)
        let second = try key(admit(&ledger, "a"))
        #expect(second != first)
    }

    @Test func anotherLifesCommandIsStale() {
        var ledger = CommandLedger()
        let other = Epoch(high: 9, low: 9).description
        #expect(code(admit(&ledger, "a", claimed: other)) == .stale)
        #expect(code(admit(&ledger, "a", claimed: "nonsense")) == .stale)
        #expect(ledger.runningCount == 0)
    }

    @Test func withoutEpochAndEnvelopeOnlyAnActionMayFollow() throws {
        var ledger = CommandLedger()
        for kind in Command.Kind.allCases where kind != .safe {
            let verdict = admit(&ledger, "a", kind: kind, binding: .none, claimed: nil)
            #expect(code(verdict) == .refusedByPolicy, "\(kind)")
        }
        _ = try key(admit(&ledger, "a", kind: .safe, binding: .none, claimed: nil))
    }

    @Test func twentyAreAdmittedAndOneMoreIsBusy() throws {
        var ledger = CommandLedger()
        for number in 0..<20 { _ = try key(admit(&ledger, "\(number)")) }
        #expect(code(admit(&ledger, "more")) == .busy)
        #expect(ledger.runningKeys.count == 20)
        ledger.answered(1, response("0"))
        _ = try key(admit(&ledger, "more"))
    }

    @Test func withoutRoomForItsResultNoCommandIsAdmitted() {
        var ledger = CommandLedger()
        #expect(code(admit(&ledger, "a", hasRoom: false)) == .busy)
    }

    @Test func aFullTableIsBusyForWhatChangesSomething() throws {
        var ledger = CommandLedger(idsMax: 3)
        for id in ["a", "b", "c"] {
            let key = try key(admit(&ledger, id))
            ledger.answered(key, response(id))
            ledger.acknowledged(key, at: start)
        }
        #expect(code(admit(&ledger, "d")) == .busy)
        #expect(ledger.refusedForMemory == 1)
        let later = start.adding(milliseconds: 100_000)
        #expect(code(admit(&ledger, "d", at: later)) == .busy)
        #expect(code(admit(&ledger, "a", at: later)) == .alreadyRun)
        // What only reads takes no place in the table.
        for round in 0..<10 {
            let now = later.adding(milliseconds: UInt64(round) * 61_000)
            let key = try key(
                admit(&ledger, "look", kind: .safe, binding: .none, claimed: nil, at: now))
            ledger.answered(key, response("look"))
            ledger.acknowledged(key, at: now)
        }
    }

    @Test func keptResponsesAreBounded() throws {
        var ledger = CommandLedger(keptBytesMax: 10_000)
        for number in 0..<50 {
            let key = try key(admit(&ledger, "\(number)"))
            ledger.answered(key, response("\(number)", bytes: 1000))
            ledger.acknowledged(key, at: start)
            #expect(ledger.keptBytes <= 10_000)
        }
        #expect(code(admit(&ledger, "0")) == .alreadyRun)
        #expect(admit(&ledger, "49") == .repeated(response("49", bytes: 1000)))
    }

    /// Whatever is sent in whatever order, no id is run twice, and nothing grows.
    @Test func noIdRunsTwice() throws {
        var random = SeededRandom()
        var ledger = CommandLedger(idsMax: 100, keptBytesMax: 5000)
        var ran: Set<String> = []
        var running: [UInt64: String] = [:]
        var answered: [UInt64] = []
        var now = start
        for _ in 0..<5000 {
            now = now.adding(milliseconds: UInt64(random.below(5000)))
            switch random.below(4) {
            case 0, 1:
                let id = "\(random.below(150))"
                if case .run(let key) = admit(&ledger, id, at: now) {
                    #expect(ran.insert(id).inserted, "\(id) ran twice, seed \(random.seed)")
                    running[key] = id
                }
            case 2:
                guard let (key, id) = running.first else { continue }
                running[key] = nil
                if random.below(5) == 0 {
                    ledger.refused(key)
                    ran.remove(id)
                } else {
                    ledger.answered(key, response(id, bytes: random.below(500)))
                    answered.append(key)
                }
            default:
                guard !answered.isEmpty else { continue }
                ledger.acknowledged(answered.removeFirst(), at: now)
            }
            #expect(ledger.runningCount == running.count, "seed \(random.seed)")
        }
    }
}
