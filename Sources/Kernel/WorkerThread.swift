import CLinux
import Glibc

/// A thread of its own for work that may hang in the kernel, with a way to wake it.
///
/// Swift's own threads are for tasks that go on; one that waits for a dead file server would hold
/// one up.
public enum WorkerThread {
    /// Starts a thread that runs `body` once and ends with it.
    ///
    /// - Parameters:
    ///   - name: as top(1) shows it; 15 bytes at most count.
    ///   - body: what it does.
    /// - Throws: what pthread_create(3) says.
    public static func start(
        name: String, _ body: @escaping @Sendable () -> Void
    ) throws(Errno) {
        let box = unsafe Unmanaged.passRetained(Box(name: name, body: body))
        // Signals are the main thread's: the new one inherits a mask with all of them.
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        // SAFETY: the box is retained for the thread, which takes it over.
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                let box = unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue()
                unsafe clinux_name_thread(box.name)
                box.body()
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            unsafe box.release()
            throw Errno(rawValue: result)
        }
        pthread_detach(thread)
    }

    private final class Box: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = String(name.prefix(15))
            self.body = body
        }
    }
}

/// Lets one thread wait until another says go. What is said before the wait is not lost.
public final class WaitableEvent: Sendable {
    private let event: FileDescriptor

    /// - Throws: what eventfd(2) says.
    public init() throws(Errno) {
        let number = clinux_eventfd_waiting()
        guard number >= 0 else { throw .current }
        event = FileDescriptor(owning: number)
    }

    public func signal() {
        var one: UInt64 = 1
        // SAFETY: eight bytes of a local.
        _ = unsafe write(event.number, &one, 8)
    }

    /// Returns after at least one ``signal()``, which it uses up together with all others before
    /// it.
    public func wait() {
        var count: UInt64 = 0
        // SAFETY: eight bytes into a local.
        while unsafe read(event.number, &count, 8) < 0 && errno == EINTR {}
    }
}
