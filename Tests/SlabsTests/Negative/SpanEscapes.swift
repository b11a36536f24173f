import Slabs

@_lifetime(immortal)
func escape() throws -> RawSpan {
    let ring = try ReceiveRing(slabCount: 1)  // a local
    return ring.unread  // REFUSED: lifetime-dependent value escapes its scope
}
