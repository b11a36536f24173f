import Slabs

/// Breaks a rule of the rings, and must not get to its end.
///
/// A program of its own and not an exit test: Swift Testing waits for those with waitid(P_ALL), which
/// names the first child that has ended. Some tests here adopt orphans, and one that nobody reaps
/// keeps an exit test waiting for ever, on a core that spins.
@main enum MisusedRing {
    static func main() throws {
        switch CommandLine.arguments.dropFirst().first {
        case "a dropped lease":
            var ring = try ReceiveRing(slabCount: 1)
            _ = ring.leaseFree(bytesMax: 10)!
        case "a lease of another ring":
            var one = try ReceiveRing(slabCount: 1)
            var other = try ReceiveRing(slabCount: 1)
            let lease = one.leaseFree(bytesMax: 10)!
            let its = other.leaseFree(bytesMax: 10)!
            other.commit(lease, filled: 1)
            one.commit(its, filled: 1)
        case "nothing":
            var ring = try ReceiveRing(slabCount: 1)
            let lease = ring.leaseFree(bytesMax: 10)!
            ring.commit(lease, filled: 1)
        default:
            fatalError("usage: misused-ring RULE")
        }
        print("got to its end")
    }
}
