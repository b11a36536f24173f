import Glibc
import IOEngine
import Kernel
import Synchronization

/// Wakes an engine now and then, from a thread of its own, so that a loop which waits without a
/// deadline can see that nothing has moved.
final class Patience: Sendable {
    private let isOver = Atomic(false)

    /// - Throws: `ProgramFailure` when there is no thread to be had.
    init(_ waker: Waker) throws(ProgramFailure) {
        do {
            try WorkerThread.start(name: "patience") { [self] in
                while true {
                    sleep(UInt32(BenchLimits.silenceMilliseconds / 1000))
                    if isOver.load(ordering: .relaxed) { return }
                    waker.wake()
                }
            }
        } catch {
            throw ProgramFailure(.tryAgain, "no thread: \(error)")
        }
    }

    func end() { isOver.store(true, ordering: .relaxed) }
}
