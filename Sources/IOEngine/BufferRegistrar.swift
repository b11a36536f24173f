import Kernel
import Slabs

/// Registers the rings' memory with the kernel, and tries again when locked memory is short.
///
/// Locked memory is counted for each user: a process that was killed gives its share back up to a
/// second later, so a restart can find too little and have enough soon after. Until it is
/// registered, and if it is refused for good, requests carry plain addresses, which costs a little
/// time and nothing else.
struct BufferRegistrar {
    private var regions: [SlabRegion] = []
    private var registeredCount = 0
    private var retriesLeft = EngineLimits.registrationRetriesMilliseconds[...]
    private var firstFailure: MonotonicTime?
    private(set) var state = IOEngine.Registration.none
    private(set) var retryAt: MonotonicTime?

    /// Takes the region on and answers the index that its leases carry.
    mutating func add(
        _ region: SlabRegion, with backend: any EngineBackend, now: MonotonicTime
    ) -> Int {
        precondition(regions.count < EngineLimits.regionsMax, "too many rings for one engine")
        regions.append(region)
        if retryAt == nil { attempt(with: backend, now: now) }
        return regions.count - 1
    }

    mutating func retry(with backend: any EngineBackend, now: MonotonicTime) {
        retryAt = nil
        attempt(with: backend, now: now)
    }

    private mutating func attempt(with backend: any EngineBackend, now: MonotonicTime) {
        do throws(Errno) {
            while registeredCount < regions.count {
                try backend.register(regions[registeredCount], bufferIndex: registeredCount)
                registeredCount += 1
            }
            state = .registered
            backend.useRegisteredBuffers(true)
        } catch {
            // All or none: a mix would make it hard to say what runs.
            backend.useRegisteredBuffers(false)
            let first = firstFailure ?? now
            firstFailure = first
            if error == .noMemory, let delay = retriesLeft.popFirst() {
                state = .retrying(error)
                retryAt = first.adding(milliseconds: delay)
            } else {
                state = .refused(error)
            }
        }
    }
}
