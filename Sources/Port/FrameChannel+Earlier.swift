import Framing
import IOEngine
public import Slabs

/// Frames of an earlier life of the owner, which leave before the data and are kept elsewhere: they
/// pass through a ring of their own, which is there only while there are any.
struct EarlierData: ~Copyable {
    var ring: SendRing
}

/// Source: protocol, "Session", disk: messages of an earlier epoch leave first.
extension FrameChannel {
    /// Makes room for frames that leave before the data.
    ///
    /// - Throws: `SlabError` when there is no memory for the ring.
    public func expectEarlier() throws(SlabError) {
        guard earlier == nil else { return }
        earlier = EarlierData(ring: try SendRing(slabCount: SlabLimits.earlierSlabs))
    }

    /// Bytes free for such frames; 0 without room for any.
    public var freeEarlierBytes: Int { earlier?.ring.freeBytes ?? 0 }

    /// Bytes of such frames that have not left.
    public var unsentEarlierBytes: Int { earlier?.ring.unsentBytes ?? 0 }

    /// Encodes one frame that leaves before the data, behind all such before it.
    ///
    /// - Returns: whether it fitted.
    public func appendEarlier(_ encode: (consuming MutableRawSpan) -> Int) -> Bool {
        guard earlier != nil else { return false }
        return append(to: &earlier!.ring, encode)
    }

    // MARK: For the channel

    func leaseEarlier() -> SlabLease? {
        let isControlWaiting = unsentControlBytes > 0 && unfinished == .earlier
        let bytes =
            isControlWaiting ? Self.bytesToFrameEnd(earlier!.ring) : unsentEarlierBytes
        return earlier!.ring.leaseUnsent(bytesMax: min(bytes, EngineLimits.writeBytesMax))
    }

    func earlierLeft(_ sent: Int) {
        earlier!.ring.releaseSent()
        departed += UInt64(sent)
    }

    /// A new session begins with what the host then says that it has.
    func dropEarlier() {
        guard earlier != nil else { return }
        if unfinished == .earlier { counters.framesCutOff += 1 }
        drop(unsentEarlierBytes, of: &earlier!.ring)
    }
}
