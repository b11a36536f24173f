import Kernel

/// CRC32C: the cyclic redundancy check with Castagnoli's polynomial, which finds every burst of up
/// to 32 bits. Eight bytes a step, by eight tables. Source: RFC 3720, appendix B.4; the tables are
/// those of the method known as slicing by 8.
struct Checksum {
    /// `table[256 * n + b]` is what byte `b` comes to when `n` bytes follow it.
    private static let table: [UInt32] = {
        var all = [UInt32](repeating: 0, count: 8 * 256)
        for index in 0..<256 {
            var value = UInt32(index)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
            all[index] = value
        }
        for index in 256..<all.count {
            let before = all[index - 256]
            all[index] = before >> 8 ^ all[Int(before & 0xFF)]
        }
        return all
    }()

    private var state = ~UInt32(0)

    var value: UInt32 { ~state }

    mutating func add(_ bytes: RawSpan) {
        let table = Self.table.span
        var state = state
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            let eight = bytes.littleEndian64(at: offset) ^ UInt64(state)
            state = 0
            for place in 0..<8 {
                let byte = Int(truncatingIfNeeded: eight >> UInt64(8 * place)) & 0xFF
                state ^= table[256 * (7 - place) + byte]
            }
            offset += 8
        }
        while offset < bytes.byteCount {
            let index = UInt8(truncatingIfNeeded: state) ^ bytes.byte(at: offset)
            state = table[Int(index)] ^ state >> 8
            offset += 1
        }
        self.state = state
    }
}
