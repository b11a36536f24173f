import Slabs

func appendWhileWriting(_ ring: inout SendRing) {
    var free = ring.free()  // REFUSED: overlapping accesses to 'ring'
    ring.append(1)
    free.storeBytes(of: UInt8(1), toByteOffset: 0, as: UInt8.self)
}
