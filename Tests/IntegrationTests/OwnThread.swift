import Foundation
import Testing

/// Runs each test of a suite on a thread of its own, a few at a time.
///
/// These tests block: they wait for sockets and for programs to end. On the threads that Swift
/// Testing shares among all tests, one for each processor, they would hold up everybody else's, and
/// themselves. Their time is nearly all waiting, so more of them run at a time than there are
/// processors.
struct OwnThread: TestTrait, SuiteTrait, TestScoping {
    static let testsAtATime = 5
    private static let gate = Gate(places: testsAtATime)

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await function() }
        await Self.gate.enter()
        do {
            try await withTaskExecutorPreference(ThreadExecutor.shared) { try await function() }
        } catch {
            await Self.gate.leave()
            throw error
        }
        await Self.gate.leave()
    }
}

extension Trait where Self == OwnThread {
    /// See ``OwnThread``.
    static var ownThread: Self { OwnThread() }
}

/// Starts a thread for each job.
private final class ThreadExecutor: TaskExecutor {
    static let shared = ThreadExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        Thread.detachNewThread { job.runSynchronously(on: executor) }
    }
}

/// Lets in as many as there are places, the others in the order in which they came.
private actor Gate {
    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) {
        self.places = places
    }

    func enter() async {
        guard places == 0 else {
            places -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
        guard waiting.isEmpty else { return waiting.removeFirst().resume() }
        places += 1
    }
}
