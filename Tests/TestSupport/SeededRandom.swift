import Foundation

/// Numbers that a seed decides, the same everywhere: what a random test did can be had again.
///
/// Source: SplitMix64, Steele, Lea and Flood 2014.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// From the seed in `VIREO_SEED`, or from a new one; says on standard output which.
    public init(for test: String = #function) {
        let given = ProcessInfo.processInfo.environment["VIREO_SEED"].flatMap { UInt64($0) }
        self.init(seed: given ?? .random(in: 0 ... .max))
        print("\(test): VIREO_SEED=\(seed)")
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to and not with `limit`.
    public mutating func below(_ limit: Int) -> Int { .random(in: 0..<limit, using: &self) }
}
