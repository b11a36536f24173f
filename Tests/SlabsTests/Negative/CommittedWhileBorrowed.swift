import Slabs

func commitWhileBorrowed(_ ring: inout ReceiveRing, _ lease: consuming SlabLease) -> Int {
    let unread = ring.unread
    ring.commit(lease, filled: 1)  // REFUSED: overlapping accesses to 'ring'
    return unread.byteCount
}
