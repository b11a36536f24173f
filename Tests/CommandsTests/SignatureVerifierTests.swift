import Foundation
import Kernel
import Testing
import Wire

@testable import Commands

@Suite struct SignatureVerifierTests {
    @Test func envelopesOfOtherImplementationsAreVerified() throws {
        var verifier = try EnvelopeFixture.verifier()
        let found = try EnvelopeFixture.envelopes().map {
            verifier.verify($0, at: EnvelopeFixture.clocks())
        }
        #expect(found.map(\.keyID) == ["ops-1", "host", "infinibay"])
        for case .verified(let payload, _) in found {
            #expect(
                payload.hasPrefix("{\"type\":\"Exec\"")
                    && payload.contains("caf\u{e9} \\\"x\\\"\\n"))
        }
        #expect(verifier.counters == ["ops-1": 7, "host": 1])
    }

    /// Every member of every envelope, changed by as little as it can be.
    @Test func aChangedMemberIsRefused() throws {
        let changes: [(String, String)] = [
            ("\"alg\":\"ed25519\"", "\"alg\":\"hmac-sha256\""),
            ("\"alg\":\"hmac-sha256\"", "\"alg\":\"ed25519\""),
            ("\"kid\":\"ops-1\"", "\"kid\":\"ops-2\""), ("\"kid\":\"host\"", "\"kid\":\"ops-1\""),
            ("\"vm\":\"vm-1\"", "\"vm\":\"vm-2\""), ("\"epoch\":\"00", "\"epoch\":\"01"),
            ("\"n\":7", "\"n\":8"), ("\"n\":1,", "\"n\":2,"), ("/bin/echo", "/bin/echp"),
            ("\"ts\":1800000000000", "\"ts\":1800000000001"), ("6f1c0e0a-", "6f1c0e0b-"),
            ("\"v\":1", "\"v\":2"), ("\"v\":2", "\"v\":1"), ("\"v\":2", "\"v\":3"),
        ]
        var used: Set<String> = []
        for line in try EnvelopeFixture.lines("envelopes.jsonl") {
            for (from, to) in changes where line.contains(from) {
                used.insert(from)
                var verifier = try EnvelopeFixture.verifier()
                let changed = line.replacing(from, with: to, maxReplacements: 1)
                let found = verifier.verify(
                    try EnvelopeFixture.envelope(changed), at: EnvelopeFixture.clocks())
                #expect(found.refusal != nil, "\(from) became \(to)")
                #expect(verifier.counters.isEmpty, "what does not hold leaves no trace")
            }
        }
        #expect(used == Set(changes.map(\.0)))
    }

    @Test func everyByteOfASignatureCounts() throws {
        for line in try EnvelopeFixture.lines("envelopes.jsonl") {
            let start = try #require(line.range(of: "\"sig\":\"")).upperBound
            let digits = line[start...].prefix { $0 != "\"" }
            var verifier = try EnvelopeFixture.verifier()
            for place in digits.indices {
                var changed = line
                let other = line[place] == "0" ? "1" : "0"
                changed.replaceSubrange(place...place, with: other)
                let found = verifier.verify(
                    try EnvelopeFixture.envelope(changed), at: EnvelopeFixture.clocks())
                #expect(found.refusal == .wrongSignature)
            }
            for wrong in [String(digits.dropLast(2)), digits + "00", "zz" + digits.dropFirst(2)] {
                let changed = line.replacing(digits, with: wrong)
                let found = verifier.verify(
                    try EnvelopeFixture.envelope(changed), at: EnvelopeFixture.clocks())
                #expect(found.refusal == .wrongSignature)
            }
        }
    }

    @Test func aMissingMemberIsRefusedAndNotUnsigned() throws {
        for name in ["alg", "kid", "vm", "epoch", "n", "ts", "nonce", "sig"] {
            for line in try EnvelopeFixture.lines("envelopes.jsonl")
            where line.contains("\"\(name)\":") {
                let changed = line.replacing("\"\(name)\":", with: "\"x\(name)\":")
                var verifier = try EnvelopeFixture.verifier(KeyRing())
                let found = verifier.verify(
                    try EnvelopeFixture.envelope(changed), at: EnvelopeFixture.clocks())
                #expect(found == .refused(.malformed), "\(name)")
            }
        }
    }

    @Test func aNewlineCannotMoveFromOneMemberIntoTheNext() throws {
        let line = try EnvelopeFixture.lines("envelopes.jsonl")[1]
        let moved = line.replacing(
            "\"kid\":\"host\",\"vm\":\"vm-1\"", with: "\"kid\":\"host\\nvm-1\",\"vm\":\"x\"")
        #expect(moved != line)
        #expect(try EnvelopeFixture.envelope(moved).authentication == nil)
    }

    @Test func aCounterOnlyGrows() throws {
        var verifier = try EnvelopeFixture.verifier()
        let key = try EnvelopeFixture.keys()[0]
        func verify(_ counter: UInt64) -> Verification {
            var signer = EnvelopeSigner(
                key: key, machine: "vm-1", epoch: EnvelopeFixture.epoch, counter: counter)
            return verifier.verify(signer.sign("{}")!, at: EnvelopeFixture.clocks())
        }
        #expect(verify(0).refusal == .replayed)
        #expect(verify(5).keyID == "ops-1")
        #expect(verify(5).refusal == .replayed)
        #expect(verify(4).refusal == .replayed)
        #expect(verify(6).keyID == "ops-1")
        #expect(verify(.max).keyID == "ops-1")
        #expect(verify(.max).refusal == .replayed)
    }

    @Test func anotherKeyHasItsOwnCounter() throws {
        var verifier = try EnvelopeFixture.verifier()
        let envelopes = try EnvelopeFixture.envelopes()
        #expect(verifier.verify(envelopes[0], at: EnvelopeFixture.clocks()).keyID == "ops-1")
        #expect(verifier.verify(envelopes[1], at: EnvelopeFixture.clocks()).keyID == "host")
        #expect(verifier.verify(envelopes[0], at: EnvelopeFixture.clocks()).refusal == .replayed)
        #expect(verifier.verify(envelopes[1], at: EnvelopeFixture.clocks()).refusal == .replayed)
    }

    @Test func whatWasSignedForAnotherLifeOrMachineIsRefused() throws {
        let envelope = try EnvelopeFixture.envelopes()[0]
        var restarted = try EnvelopeFixture.verifier(epoch: Epoch(high: 1, low: 2))
        #expect(restarted.verify(envelope, at: EnvelopeFixture.clocks()).refusal == .stale)
        var other = try EnvelopeFixture.verifier(machine: "vm-2")
        #expect(other.verify(envelope, at: EnvelopeFixture.clocks()).refusal == .otherMachine)
    }

    @Test func whoGoesOnWithinAnEpochKeepsItsCounters() throws {
        let envelope = try EnvelopeFixture.envelopes()[0]
        var first = try EnvelopeFixture.verifier()
        #expect(first.verify(envelope, at: EnvelopeFixture.clocks()).keyID != nil)
        var second = EnvelopeVerifier(
            keys: try EnvelopeFixture.ring(), machine: "vm-1", epoch: EnvelopeFixture.epoch,
            startedAt: EnvelopeFixture.startedAt, counters: first.counters)
        #expect(second.verify(envelope, at: EnvelopeFixture.clocks()).refusal == .replayed)
        first.replaceKeys(try EnvelopeFixture.ring())
        #expect(first.verify(envelope, at: EnvelopeFixture.clocks()).refusal == .replayed)
        first.replaceKeys(KeyRing())
        #expect(first.verify(envelope, at: EnvelopeFixture.clocks()).refusal == .unknownKey)
    }
}

@Suite struct SignatureNonceTests {
    let key = try! EnvelopeFixture.keys()[3]

    func envelope(_ nonce: String, at offset: Int64 = 0) -> SignedEnvelope {
        EnvelopeSigner.signInfiniService(
            "{}", key: key, milliseconds: EnvelopeFixture.signedAt + offset, nonce: nonce)!
    }

    @Test func withoutAKeyTheContentsAreNobodys() throws {
        var verifier = try EnvelopeFixture.verifier(KeyRing())
        #expect(verifier.verify(envelope("a"), at: EnvelopeFixture.clocks()) == .unsigned("{}"))
    }

    @Test func aNonceIsTakenOnce() throws {
        var verifier = try EnvelopeFixture.verifier()
        #expect(verifier.verify(envelope("a"), at: EnvelopeFixture.clocks()).keyID == "infinibay")
        #expect(verifier.verify(envelope("a"), at: EnvelopeFixture.clocks()).refusal == .replayed)
        #expect(
            verifier.verify(envelope("a", at: 5), at: EnvelopeFixture.clocks()).refusal == .replayed
        )
        #expect(verifier.verify(envelope("b"), at: EnvelopeFixture.clocks()).keyID == "infinibay")
        let long = String(repeating: "n", count: EnvelopeLimits.nonceBytesMax + 1)
        #expect(verifier.verify(envelope(long), at: EnvelopeFixture.clocks()).refusal == .malformed)
    }

    @Test(arguments: [
        (300_000, true), (300_001, false), (-300_000, true), (-300_001, false),
        (Int64.max - EnvelopeFixture.signedAt, false),
    ])
    func theWindowIsFiveMinutesBothWays(offset: Int64, isTaken: Bool) throws {
        var verifier = try EnvelopeFixture.verifier()
        let found = verifier.verify(envelope("a"), at: EnvelopeFixture.clocks(wall: offset))
        #expect(isTaken ? found.keyID != nil : found.refusal == .outsideWindow)
    }

    @Test func extremeTimesAreOutsideTheWindow() throws {
        for milliseconds in [Int64.min, .max] {
            var verifier = try EnvelopeFixture.verifier()
            let extreme = EnvelopeSigner.signInfiniService(
                "{}", key: key, milliseconds: milliseconds, nonce: "a")!
            #expect(
                verifier.verify(extreme, at: EnvelopeFixture.clocks()).refusal == .outsideWindow)
        }
    }

    @Test func whatWasSignedBeforeTheAgentStartedIsRefused() throws {
        var verifier = try EnvelopeFixture.verifier()
        // Ten seconds after the start.
        let early = EnvelopeFixture.clocks(wall: 10_001, boot: 10_000)
        #expect(verifier.verify(envelope("a"), at: early).refusal == .olderThanAgent)
        let justAfter = EnvelopeFixture.clocks(wall: 10_000, boot: 10_000)
        #expect(verifier.verify(envelope("a"), at: justAfter).keyID != nil)
    }

    @Test func aFullTableRefusesAndEmptiesAfterTenMinutes() throws {
        var table = NonceTable()
        let start = BootTime(nanoseconds: 0)
        for index in 0..<EnvelopeLimits.noncesMax {
            #expect(table.take("\(index)", signedAt: 1000, at: start) == nil)
        }
        #expect(table.take("one more", signedAt: 1001, at: start) == .tableFull)
        let still = BootTime(nanoseconds: 600_000_000_000)
        #expect(table.take("one more", signedAt: 1001, at: still) == .tableFull)
        let later = BootTime(nanoseconds: 600_001_000_000)
        #expect(table.take("one more", signedAt: 1001, at: later) == nil)
        #expect(table.take("one more", signedAt: 1001, at: later) == .replayed)
    }

    /// A wall clock that is set back brings an old envelope into the window again.
    @Test func aClockThatIsSetBackReplaysNothing() throws {
        var verifier = try EnvelopeFixture.verifier()
        let envelope = envelope("a")
        #expect(verifier.verify(envelope, at: EnvelopeFixture.clocks()).keyID != nil)
        let later = EnvelopeFixture.clocks(wall: 0, boot: 3_600_000 + 700_000)
        #expect(verifier.verify(envelope, at: later).refusal == .replayed)
        #expect(verifier.verify(self.envelope("b", at: 1), at: later).keyID != nil)
    }
}
