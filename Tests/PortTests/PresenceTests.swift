import IOEngine
import Port
import Testing

/// What a virtio port's poll(2) says: with a host, without one.
private let here = Edges.output
private let gone: Edges = [.input, .hangUp]

@Suite struct PresenceTests {
    private func present() -> Presence {
        var presence = Presence()
        #expect(presence.look(now: here) == .arrived)
        return presence
    }

    @Test func aHostIsSeenAtOnceWhenThePortIsOpened() {
        #expect(present().state == .present)
        var other = Presence()
        #expect(other.look(now: gone) == .none)
        #expect(other.state == .absent)
    }

    @Test func leavingAndReturningWithTwoEdges() {
        var presence = present()
        #expect(presence.edge(gone, now: gone, newSignals: 1) == .left)
        #expect(presence.edge(.output, now: here, newSignals: 1) == .arrived)
        #expect(!presence.isSuspicious)
    }

    @Test func theStateIsWhatPollSaysAndNotTheEdge() {
        // The edge of leaving is looked at when the next host is there already.
        var presence = present()
        #expect(presence.edge(gone, now: here, newSignals: 1) == .replaced)
        // And the other way round: the edge of arriving, and the host has left again.
        var other = Presence()
        #expect(other.look(now: gone) == .none)
        #expect(other.edge(.output, now: gone, newSignals: 1) == .none)
        #expect(other.state == .absent)
    }

    @Test func anEdgeWithASignalThatNoDataExplainsIsANewHost() {
        var presence = present()
        #expect(presence.edge(.output, now: here, newSignals: 1) == .none)
        #expect(presence.isSuspicious)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .replaced)
        #expect(!presence.isSuspicious)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .none)
    }

    @Test func theEdgesOfWritesAreNoNewHost() {
        var presence = present()
        for _ in 0..<50 {
            #expect(presence.edge(.output, now: here, newSignals: 0) == .none)
            #expect(!presence.isSuspicious)
        }
    }

    @Test func dataExplainsItsSignalInAnyOrder() {
        // Read before the edge is looked at.
        var before = present()
        before.read()
        #expect(before.edge(.output, now: here, newSignals: 1) == .none)
        #expect(!before.isSuspicious)
        // Read after it.
        var after = present()
        #expect(after.edge(.output, now: here, newSignals: 1) == .none)
        after.read()
        #expect(!after.isSuspicious)
        #expect(after.settleSuspicion(now: here, newSignals: 0) == .none)
        // Read, and the signal comes with a later edge.
        var late = present()
        late.read()
        #expect(late.edge(.output, now: here, newSignals: 0) == .none)
        #expect(late.edge(.output, now: here, newSignals: 1) == .none)
        #expect(!late.isSuspicious)
    }

    @Test func dataExplainsOneSignalOnly() {
        var presence = present()
        presence.read()
        #expect(presence.edge(.output, now: here, newSignals: 1) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 1) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .replaced)
    }

    @Test func aHostThatSendsAndIsReplacedInTheSameMomentIsNoticed() {
        // One signal for the data, one for leaving, one for returning.
        var presence = present()
        presence.read()
        #expect(presence.edge(.output, now: here, newSignals: 3) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .replaced)
    }

    @Test func muchDataWithFewSignalsExplainsOneSignalMoreAndNotTwo() {
        var presence = present()
        for _ in 0..<300 { presence.read() }
        #expect(presence.edge(.output, now: here, newSignals: 20) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 1) == .none)
        #expect(!presence.isSuspicious)
        for _ in 0..<300 { presence.read() }
        #expect(presence.edge(.output, now: here, newSignals: 20) == .none)
        #expect(presence.edge(.output, now: here, newSignals: 2) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .replaced)
    }

    @Test func signalsCountedWhileDataStreamsAreNotForgotten() {
        var presence = present()
        for _ in 0..<64 { presence.read() }
        presence.signalled(64)
        for _ in 0..<10 { presence.read() }
        presence.signalled(12)
        #expect(presence.edge(.output, now: here, newSignals: 0) == .none)
        #expect(presence.settleSuspicion(now: here, newSignals: 0) == .replaced)
    }

    @Test func aReadOfZeroIsAHostThatLeftEvenIfAnotherIsThereByNow() {
        var presence = present()
        #expect(presence.readZero(now: gone) == .left)
        #expect(presence.readZero(now: gone) == .none)
        var other = present()
        #expect(other.readZero(now: here) == .replaced)
        var third = present()
        #expect(third.writeRefused(now: gone) == .left)
    }
}
