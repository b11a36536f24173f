import IOEngine
import Kernel
import Port
import Testing

/// What a virtio port's poll(2) says: with a host, without one.
private let here = Edges.output
private let gone: Edges = [.input, .hangUp]
private let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
private let later = start.adding(milliseconds: 100)
/// Long before the start: what came then is over.
private let before = MonotonicTime(nanoseconds: 999_000_000_000)

@Suite struct PresenceTests {
    private func present() -> Presence {
        var presence = Presence()
        #expect(presence.look(now: here, at: before) == .arrived)
        return presence
    }

    @Test func aHostIsSeenAtOnceWhenThePortIsOpened() {
        #expect(present().state == .present)
        var other = Presence()
        #expect(other.look(now: gone, at: before) == .none)
        #expect(other.state == .absent)
    }

    @Test func leavingAndReturningWithTwoEdges() {
        var presence = present()
        #expect(presence.edge(gone, now: gone, newSignals: 1, at: start) == .left)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .arrived)
        #expect(!presence.isSuspicious)
    }

    @Test func theStateIsWhatPollSaysAndNotTheEdge() {
        // The edge of leaving is looked at when the next host is there already.
        var presence = present()
        #expect(presence.edge(gone, now: here, newSignals: 1, at: start) == .replaced)
        // And the other way round: the edge of arriving, and the host has left again.
        var other = Presence()
        #expect(other.look(now: gone, at: before) == .none)
        #expect(other.edge(.output, now: gone, newSignals: 1, at: start) == .none)
        #expect(other.state == .absent)
    }

    @Test func anEdgeWithASignalThatNoDataExplainsIsANewHost() {
        var presence = present()
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(presence.isSuspicious)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
        #expect(!presence.isSuspicious)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .none)
    }

    @Test func theEdgesOfWritesAreNoNewHost() {
        var presence = present()
        for _ in 0..<50 {
            #expect(presence.edge(.output, now: here, newSignals: 0, at: start) == .none)
            #expect(!presence.isSuspicious)
        }
    }

    @Test func dataExplainsItsSignalInAnyOrder() {
        // Read before the edge is looked at.
        var before = present()
        before.read(at: start)
        #expect(before.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(!before.isSuspicious)
        // Read after it.
        var after = present()
        #expect(after.edge(.output, now: here, newSignals: 1, at: start) == .none)
        after.read(at: start)
        #expect(!after.isSuspicious)
        #expect(after.settleSuspicion(now: here, newSignals: 0, at: start) == .none)
        // Read, and the signal comes with a later edge.
        var late = present()
        late.read(at: start)
        #expect(late.edge(.output, now: here, newSignals: 0, at: start) == .none)
        #expect(late.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(!late.isSuspicious)
    }

    @Test func dataExplainsOneSignalOnly() {
        var presence = present()
        presence.read(at: start)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
    }

    @Test func aHostThatSendsAndIsReplacedInTheSameMomentIsNoticed() {
        // One signal for the data, one for leaving, one for returning.
        var presence = present()
        presence.read(at: start)
        #expect(presence.edge(.output, now: here, newSignals: 3, at: start) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
    }

    @Test func signalsThatComeLateWhileDataStreamsAreNoNewHost() {
        // The reader is woken first: four reads, of whose signals one has come.
        var presence = present()
        for _ in 0..<4 { presence.read(at: start) }
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 3, at: start) == .none)
        #expect(!presence.isSuspicious)
    }

    @Test func muchDataWithFewSignalsExplainsOneSignalMoreLongAfterAndNotTwo() {
        var presence = present()
        for _ in 0..<300 { presence.read(at: start) }
        #expect(presence.edge(.output, now: here, newSignals: 20, at: start) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: later) == .none)
        #expect(!presence.isSuspicious)
        var other = present()
        for _ in 0..<300 { other.read(at: start) }
        #expect(other.edge(.output, now: here, newSignals: 20, at: start) == .none)
        #expect(other.edge(.output, now: here, newSignals: 2, at: later) == .none)
        #expect(other.settleSuspicion(now: here, newSignals: 0, at: later) == .replaced)
    }

    @Test func signalsCountedWhileDataStreamsAreNotForgotten() {
        var presence = present()
        for _ in 0..<64 { presence.read(at: start) }
        presence.signalled(64)
        for _ in 0..<10 { presence.read(at: start) }
        presence.signalled(12)
        #expect(presence.edge(.output, now: here, newSignals: 0, at: start) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
    }

    /// The driver wakes the port, and sends the signal of the arrival only then.
    @Test func theSignalOfAnArrivalMayComeAMomentAfterIt() {
        for opensLate in [false, true] {
            var presence = Presence()
            if opensLate {
                #expect(presence.look(now: here, at: start) == .arrived)
            } else {
                #expect(presence.look(now: gone, at: start) == .none)
                #expect(presence.edge(.output, now: here, newSignals: 0, at: start) == .arrived)
            }
            presence.read(at: start)
            #expect(presence.edge(.output, now: here, newSignals: 2, at: start) == .none)
            #expect(!presence.isSuspicious)
            // It explains one signal, once.
            #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
            #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
        }
    }

    @Test func aHostThatIsReplacedRightAfterItsArrivalIsNoticed() {
        // Leaving and returning are two signals, whether or not the arrival's own was there.
        for arrival in [0, 1] {
            var presence = Presence()
            #expect(presence.look(now: gone, at: start) == .none)
            #expect(presence.edge(.output, now: here, newSignals: arrival, at: start) == .arrived)
            #expect(presence.edge(.output, now: here, newSignals: 2, at: start) == .none)
            #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
        }
    }

    @Test func anArrivalWhoseSignalWasThereExplainsNone() {
        var presence = Presence()
        #expect(presence.look(now: gone, at: start) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .arrived)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: start) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: start) == .replaced)
    }

    @Test func aSignalLongAfterTheArrivalIsNotItsOwn() {
        var presence = Presence()
        #expect(presence.look(now: gone, at: start) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 0, at: start) == .arrived)
        #expect(presence.edge(.output, now: here, newSignals: 1, at: later) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0, at: later) == .replaced)
    }

    @Test func aReadOfZeroIsAHostThatLeftEvenIfAnotherIsThereByNow() {
        var presence = present()
        #expect(presence.readZero(now: gone, at: start) == .left)
        #expect(presence.readZero(now: gone, at: start) == .none)
        var other = present()
        #expect(other.readZero(now: here, at: start) == .replaced)
        var third = present()
        #expect(third.writeRefused(now: gone, at: start) == .left)
    }
}
