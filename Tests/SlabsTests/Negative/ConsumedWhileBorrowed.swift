import Slabs

func consumeWhileBorrowed(_ ring: inout ReceiveRing) -> Int {
    let unread = ring.unread
    ring.consume(1)  // REFUSED: overlapping accesses to 'ring'
    return unread.byteCount
}
