import Foundation
import Session
import Testing

/// Both halves of the session and the scanner on a model of the port, one seed a run.
///
/// `VIREO_SEEDS=N` runs N seeds; `VIREO_SEED=S` runs that one alone and prints its last steps;
/// `VIREO_FIRST=S` begins elsewhere than at 1; `VIREO_LONG=1` has at least 1,000 frames and 20
/// faults in each run.
@Suite(.serialized) struct SimulationTests {
    static let environment = ProcessInfo.processInfo.environment

    static func number(_ name: String) -> UInt64? { environment[name].flatMap { UInt64($0) } }

    static var isLong: Bool { environment["VIREO_LONG"] == "1" }

    static func simulation(
        _ seed: UInt64, bug: PlausibleBug? = nil, isTraced: Bool = false
    ) -> Simulation {
        Simulation(
            seed: seed, framesMin: isLong ? 1000 : 250, faultsMin: isLong ? 20 : 10,
            faultInterval: isLong ? 60 : 30, bug: bug, isTraced: isTraced)
    }

    /// Runs a failing seed again, to say what came before.
    static func account(of seed: UInt64, bug: PlausibleBug? = nil) -> String {
        var again = simulation(seed, bug: bug, isTraced: true)
        let violation = again.run() ?? "nothing"
        let steps = (again.trace ?? []).joined(separator: "\n  ")
        return "VIREO_SEED=\(seed)\(isLong ? " VIREO_LONG=1" : ""): \(violation)\n  \(steps)"
    }

    @Test func nothingAcknowledgedIsLostAndNothingIsDeliveredTwice() {
        if let seed = Self.number("VIREO_SEED") {
            print(Self.account(of: seed))
            var run = Self.simulation(seed)
            #expect(run.run() == nil)
            return
        }
        let first = Self.number("VIREO_FIRST") ?? 1
        let count = Self.number("VIREO_SEEDS") ?? (Self.isLong ? 20 : 120)
        var tally = Tally()
        let clock = ContinuousClock()
        let start = clock.now
        for seed in first..<(first + count) {
            var run = Self.simulation(seed)
            if run.run() != nil {
                Issue.record("\(Self.account(of: seed))")
                return
            }
            tally.add(run)
        }
        let elapsed = start.duration(to: clock.now) / .seconds(1)
        print(tally.report(seconds: elapsed))
        guard count >= 20 else { return }
        for fault in Fault.allCases {
            #expect(tally.faults[fault.rawValue] > 0, "\(fault) never struck")
        }
        for (name, times) in tally.observed { #expect(times > 0, "no \(name)") }
        if Self.isLong { #expect(tally.framesMin >= 1000 && tally.faultsMin >= 20) }
    }

    @Test func aSeedIsReplayedExactly() {
        for seed in UInt64(1)...3 {
            var one = Self.simulation(seed)
            var other = Self.simulation(seed, isTraced: true)
            #expect(one.run() == nil && other.run() == nil)
            #expect(one.ledger.digest == other.ledger.digest)
            #expect(one.now == other.now && one.faults == other.faults)
        }
        var next = Self.simulation(4)
        var first = Self.simulation(1)
        _ = (next.run(), first.run())
        #expect(next.ledger.digest != first.ledger.digest)
    }

    @Test(arguments: PlausibleBug.allCases)
    func aPlausibleBugIsFoundWithinFiftySeeds(_ bug: PlausibleBug) {
        for seed in UInt64(1)...50 {
            var run = Self.simulation(seed, bug: bug)
            guard let violation = run.run() else { continue }
            print("\(bug): seed \(seed): \(violation)")
            return
        }
        Issue.record("\(bug) was not found")
    }
}
