import IOEngine
import Kernel
import Probes
import Synchronization
import Wire

/// Takes samples on a thread of its own: a probe that hangs in the kernel holds up no message.
final class SamplerThread: Sendable {
    private struct Box {
        var sample: MetricsSample?
        /// When the sample that is not done yet was asked for.
        var requestedAt: MonotonicTime?
        var isEnding = false
        /// Options that the thread has not taken up yet.
        var newOptions: ProbeOptions?
    }

    let progress = ProbeProgress()
    private let box = Mutex(Box())
    private let event: WaitableEvent

    /// - Parameter waker: of the loop that takes the samples; woken for each.
    init(options: ProbeOptions, waker: Waker) throws(Errno) {
        let event = try WaitableEvent()
        self.event = event
        try WorkerThread.start(name: "vireod-sampler") { [self] in
            // The first one is the base of all rates, and is thrown away.
            var sampler = Sampler(options: options, progress: progress)
            _ = sampler.sample()
            while true {
                event.wait()
                let (isEnding, options) = box.withLock { ($0.isEnding, $0.newOptions.take()) }
                if isEnding { return }
                if let options {
                    sampler = Sampler(options: options, progress: progress)
                    _ = sampler.sample()
                }
                guard box.withLock({ $0.requestedAt }) != nil else { continue }
                let sample = sampler.sample()
                box.withLock {
                    $0.sample = sample
                    $0.requestedAt = nil
                }
                waker.wake()
            }
        }
    }

    /// Changes what samples contain, from the next one on, whose rates begin now.
    func replace(options: ProbeOptions) {
        box.withLock { $0.newOptions = options }
        event.signal()
    }

    /// Asks for a sample; one that is under way counts.
    func request(at now: MonotonicTime) {
        let isNew = box.withLock { box in
            guard box.requestedAt == nil else { return false }
            box.requestedAt = now
            return true
        }
        if isNew { event.signal() }
    }

    /// The newest sample, once.
    func take() -> MetricsSample? {
        box.withLock { $0.sample.take() }
    }

    /// When a sample was asked for that is not done; `nil` when there is nothing to do.
    var pendingSince: MonotonicTime? {
        box.withLock { $0.requestedAt }
    }

    func end() {
        box.withLock { $0.isEnding = true }
        event.signal()
    }
}
