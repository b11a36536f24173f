import IOEngine
import Kernel
import Port
import Testing

/// What a virtio port's poll(2) says: with a host, without one.
private let here = Edges.output
private let gone: Edges = [.input, .hangUp]

@Suite struct PresenceTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func later(_ milliseconds: UInt64) -> MonotonicTime {
        start.adding(milliseconds: milliseconds)
    }

    /// Opened with a host there, and the first edge seen.
    private func settled() -> Presence {
        var presence = Presence()
        #expect(presence.look(now: here) == .arrived)
        presence.wrote(at: start)
        #expect(presence.edge(.output, now: here, isWriteInFlight: true, at: start) == .none)
        #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: later(1)) == .none)
        return presence
    }

    @Test func aHostIsSeenAtOnceWhenThePortIsOpened() {
        var presence = Presence()
        #expect(presence.look(now: here) == .arrived)
        #expect(presence.state == .present)
        var other = Presence()
        #expect(other.look(now: gone) == .none)
        #expect(other.state == .absent)
    }

    @Test func leavingAndReturningWithTwoEdges() {
        var presence = settled()
        #expect(presence.edge(gone, now: gone, isWriteInFlight: false, at: later(900)) == .left)
        #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: later(901)) == .arrived)
    }

    @Test func theStateIsWhatPollSaysAndNotTheEdge() {
        // The edge of leaving is looked at when the next host is there already.
        var presence = settled()
        #expect(presence.edge(gone, now: here, isWriteInFlight: false, at: later(900)) == .replaced)
        // And the other way round: the edge of arriving, and the host has left again.
        var other = Presence()
        #expect(other.look(now: gone) == .none)
        #expect(other.edge(.output, now: gone, isWriteInFlight: false, at: later(1)) == .none)
        #expect(other.state == .absent)
    }

    @Test func anEdgeThatNoWriteExplainsIsANewHost() {
        var presence = settled()
        #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: later(5)) == .replaced)
    }

    @Test func theEdgeOfAWriteIsNoNewHost() {
        var presence = settled()
        for number in 0..<50 as Range<UInt64> {
            presence.wrote(at: later(10 + number * 100))
            let at = later(11 + number * 100)
            #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: at) == .none)
        }
    }

    @Test func aWriteWhoseEdgeNeverCameExplainsNothingLater() {
        var presence = settled()
        for number in 0..<5 as Range<UInt64> { presence.wrote(at: later(10 + number)) }
        #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: later(20)) == .none)
        #expect(presence.edge(.output, now: here, isWriteInFlight: false, at: later(900)) == .replaced)
    }

    @Test func roomForAParkedWriteIsNoNewHost() {
        var presence = settled()
        #expect(presence.edge(.output, now: here, isWriteInFlight: true, at: later(5000)) == .none)
    }

    @Test func dataIsNoNewHost() {
        var presence = settled()
        #expect(
            presence.edge(
                [.input, .output], now: [.input, .output], isWriteInFlight: false, at: later(5000))
                == .none)
    }

    @Test func aReadOfZeroIsAHostThatLeftEvenIfAnotherIsThereByNow() {
        var presence = settled()
        #expect(presence.readZero(now: gone) == .left)
        #expect(presence.readZero(now: gone) == .none)
        var other = settled()
        #expect(other.readZero(now: here) == .replaced)
        var third = settled()
        #expect(third.writeRefused(now: gone) == .left)
    }
}
