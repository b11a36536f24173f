import CAllocationCounter
import Foundation
import Testing
import Wire

@testable import Probes

/// What a sample of this machine costs without processes and ports.
@Suite(.serialized)
struct CostTests {
    private func sampler() -> Sampler {
        Sampler(options: ProbeOptions(processesMax: 0, ports: false))
    }

    /// 0.5 ms by the design. Code that is not optimised is allowed four times that.
    @Test func aSampleCostsLessThanHalfAMillisecond() {
        var sampler = sampler()
        _ = sampler.sample()
        var costs: [UInt64] = []
        for _ in 0..<100 {
            usleep(2000)
            costs.append(sampler.sample().costMicroseconds)
        }
        costs.sort()
        print("microseconds of CPU a sample: median \(costs[50]), largest \(costs[99])")
        #if DEBUG
            #expect(costs[50] <= 2000)
        #else
            #expect(costs[50] <= 500)
        #endif
    }

    /// The arrays of the sample itself and little else: names, texts and buffers are kept.
    @Test func aSampleAllocatesLittle() {
        var sampler = sampler()
        for _ in 0..<3 { _ = sampler.sample() }
        let before = callocation_counter_of_this_thread()
        for _ in 0..<20 { _ = sampler.sample() }
        let each = Double(callocation_counter_of_this_thread() - before) / 20
        print("allocations a sample: \(each)")
        #if DEBUG
            #expect(each <= 100)
        #else
            #expect(each <= 16)
        #endif
    }
}
