import Slabs

func twoWritableSpans(_ ring: inout SendRing) {
    var first = ring.free()  // REFUSED: overlapping accesses to 'ring'
    let second = ring.free()
    first.storeBytes(of: UInt8(1), toByteOffset: second.byteCount - 1, as: UInt8.self)
}
