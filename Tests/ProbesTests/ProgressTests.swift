import Foundation
import Kernel
import Testing

@testable import Probes

/// Which probe runs now, seen from elsewhere.
struct ProgressTests {
    @Test func namesTheProbeThatRunsAndWhenItBegan() {
        let fake = FakeMachine()
        let progress = ProbeProgress()
        var sampler = fake.sampler(progress: progress)
        var seen: [String] = []
        fake.onSpace = { [unowned fake] _ in
            guard let current = progress.current else { return }
            seen.append(current.probe)
            #expect(current.since.nanoseconds == fake.nowNanoseconds)
        }
        #expect(progress.currentProbe == nil)
        _ = sampler.sample()
        #expect(Set(seen) == ["filesystems"])
        #expect(progress.currentProbe == nil)
    }

    @Test func aProbeThatHangsIsSeenFromAnotherThread() {
        let progress = ProbeProgress()
        let release = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let fake = FakeMachine()
            fake.onSpace = { path in
                if path == "/mnt/nfs" { release.wait() }
            }
            var sampler = fake.sampler(progress: progress)
            _ = sampler.sample()
            ended.signal()
        }
        let limit = Date(timeIntervalSinceNow: 30)
        while progress.currentProbe != "filesystems", Date() < limit { usleep(1000) }
        #expect(progress.currentProbe == "filesystems")
        release.signal()
        #expect(ended.wait(timeout: .now() + 30) == .success)
        #expect(progress.currentProbe == nil)
    }

    @Test func everyProbeHasItsName() {
        let progress = ProbeProgress()
        for probe in ProbeName.allCases {
            progress.began(probe, at: MonotonicTime(nanoseconds: 5_000_999_999))
            #expect(progress.currentProbe == probe.text)
            #expect(progress.current?.since == MonotonicTime(nanoseconds: 5_000_000_000))
        }
        #expect(Set(ProbeName.allCases.map(\.text)).count == ProbeName.allCases.count)
    }
}
