/// Decisions out of bytes: what the fuzzer changes is what happens.
struct EventBytes {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isEmpty: Bool { place >= bytes.count }
    var rest: ArraySlice<UInt8> { bytes[place...] }

    /// The next byte; 0 behind the last.
    mutating func byte() -> UInt8 {
        guard place < bytes.count else { return 0 }
        defer { place += 1 }
        return bytes[place]
    }

    /// 0 ..< `limit`.
    mutating func choice(_ limit: Int) -> Int { Int(byte()) % limit }

    mutating func bool() -> Bool { byte() & 1 == 1 }

    /// Up to 65,535.
    mutating func short() -> Int { Int(byte()) << 8 | Int(byte()) }

    /// Numbers around `center`, small ones, and the ends of the range.
    mutating func number(around center: UInt64) -> UInt64 {
        switch choice(8) {
        case 0, 1, 2: center
        case 3: center &+ UInt64(byte())
        case 4: center >= 8 ? center - UInt64(byte() & 7) : 0
        case 5: UInt64(byte())
        case 6: UInt64(Int64.max) &+ UInt64(byte()) &- 128
        default: UInt64.max - UInt64(byte())
        }
    }
}
