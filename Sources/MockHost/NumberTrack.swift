import Wire

/// The numbers that came, of one agent: what a host that keeps its promise has to know.
struct NumberTrack {
    /// Everything up to it came, or was declared lost; by epoch.
    private var received: [Epoch: UInt64] = [:]
    private(set) var repeats: UInt64 = 0
    /// Numbers declared lost.
    private(set) var skipped: UInt64 = 0

    func received(_ epoch: Epoch) -> UInt64 { received[epoch] ?? 0 }

    /// A number came.
    ///
    /// - Returns: what is wrong with it.
    mutating func take(_ epoch: Epoch, _ sequence: UInt64) -> String? {
        let known = received(epoch)
        guard sequence > known else {
            repeats += 1
            return nil
        }
        guard sequence == known + 1 else {
            return "number \(sequence) came after \(known): \(sequence - known - 1) are missing"
        }
        received[epoch] = sequence
        return nil
    }

    /// A range was declared lost at its place.
    mutating func skip(_ epoch: Epoch, _ range: NumberRange) -> String? {
        let known = received(epoch)
        guard range.from <= known + 1 else {
            return "\(range.from) to \(range.to) were skipped after \(known)"
        }
        guard range.to > known else { return nil }
        skipped += range.to - known
        received[epoch] = range.to
        return nil
    }

    /// What a handshake declares lost is passed over where it comes next.
    mutating func greet(_ offer: SessionOffer) -> String? {
        for gap in offer.gaps where gap.from <= received(offer.epoch) + 1 {
            if let reason = skip(offer.epoch, gap) { return reason }
        }
        let known = received(offer.epoch)
        guard offer.first > known + 1 else { return nil }
        return "the handshake begins at \(offer.first), and \(known + 1) never came"
    }
}
