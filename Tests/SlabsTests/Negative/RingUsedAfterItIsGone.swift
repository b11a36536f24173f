import Slabs

func keep(_ ring: consuming ReceiveRing) {}

func useAfterMove() throws -> Int {
    let ring = try ReceiveRing(slabCount: 1)  // REFUSED: 'ring' used after consume
    keep(ring)
    return ring.unreadBytes
}
