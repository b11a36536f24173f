import Testing
import Wire

@testable import MockHost

@Suite struct NumberTrackTests {
    private let epoch = Epoch(high: 1, low: 2)

    @Test func numbersComeInOrderAndRepeatsAreCounted() {
        var track = NumberTrack()
        #expect(track.take(epoch, 1) == nil && track.take(epoch, 2) == nil)
        #expect(track.take(epoch, 1) == nil && track.repeats == 1)
        #expect(track.received(epoch) == 2)
        #expect(track.take(epoch, 4) != nil)
        #expect(track.received(epoch) == 2)
        #expect(track.take(Epoch(high: 3, low: 4), 1) == nil)
    }

    @Test func declaredLostIsPassedOverAndNothingElse() {
        var track = NumberTrack()
        _ = track.take(epoch, 1)
        #expect(track.skip(epoch, NumberRange(from: 3, to: 5)) != nil)
        #expect(track.skip(epoch, NumberRange(from: 2, to: 5)) == nil)
        #expect(track.take(epoch, 6) == nil && track.skipped == 4)
        var offer = SessionOffer(epoch: epoch, session: 2, first: 10, next: 12)
        offer.gaps = [NumberRange(from: 7, to: 9)]
        #expect(track.greet(offer) == nil)
        #expect(track.take(epoch, 10) == nil)
        offer.first = 12
        offer.gaps = []
        #expect(track.greet(offer) != nil)
    }
}
