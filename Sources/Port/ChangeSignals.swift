import CLinux
import Kernel

/// Counts the signals by which the virtio driver tells of data and of hosts that come and go.
///
/// They are not waited for: an edge wakes us, and then it matters how many came. Without them a
/// host that is replaced unseen is not noticed, and nothing else changes. See ``Presence``.
struct ChangeSignals: ~Copyable {
    private var descriptor: FileDescriptor?
    private var readsUncounted = 0

    init() {}

    /// Asks the driver for signals to the calling thread, for the port that is open as `number`.
    mutating func start(_ number: Int32) {
        let signals = clinux_request_changes(number)
        descriptor = signals >= 0 ? FileDescriptor(owning: signals) : nil
        readsUncounted = 0
    }

    mutating func stop() {
        descriptor = nil
    }

    /// How many came since the last time.
    mutating func take() -> Int {
        readsUncounted = 0
        guard let number = descriptor?.number else { return 0 }
        return Int(clinux_count_changes(number))
    }

    /// The same, once in so many reads, so that they do not fill the kernel's queue while data
    /// streams in and no edge asks for them.
    mutating func takeWhileReading() -> Int? {
        guard descriptor != nil else { return nil }
        readsUncounted += 1
        return readsUncounted >= PortLimits.readsUncountedMax ? take() : nil
    }
}
