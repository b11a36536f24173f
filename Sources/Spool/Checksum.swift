import Kernel

/// CRC32C: the cyclic redundancy check with Castagnoli's polynomial, which finds every burst of up
/// to 32 bits. Source: RFC 3720, appendix B.4.
struct Checksum {
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
        return value
    }

    private var state = ~UInt32(0)

    var value: UInt32 { ~state }

    mutating func add(_ bytes: RawSpan) {
        let table = Self.table
        var state = state
        for offset in 0..<bytes.byteCount {
            let index = UInt8(truncatingIfNeeded: state) ^ bytes.byte(at: offset)
            state = table[Int(index)] ^ state >> 8
        }
        self.state = state
    }
}
