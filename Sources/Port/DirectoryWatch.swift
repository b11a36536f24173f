import CLinux
import Glibc
import IOEngine
import Kernel

/// Tells when a name appears in a directory or changes its mode: what a port waits for instead of polling.
///
/// A directory that does not exist is not watched, nor is one that may not be; then the port's back-off
/// alone decides when to look again. Source: inotify(7).
final class DirectoryWatch {
    private let engine: IOEngine
    private var stream: Stream?

    init(engine: IOEngine) {
        self.engine = engine
    }

    var place: Int? { stream?.place }

    /// Watches the directories that there are; calling again adds those that have come since.
    func start(_ directories: [String]) {
        if stream == nil {
            let number = clinux_inotify()
            guard number >= 0 else { return }
            stream = try? engine.attach(FileDescriptor(owning: number), .device)
            guard let stream else { return }
            engine.watch(stream)
        }
        guard let stream else { return }
        for directory in directories {
            // SAFETY: the path is a string of our own for the time of the call.
            _ = unsafe clinux_inotify_watch(engine.descriptorNumber(stream), directory)
        }
    }

    /// Reads all events that are there; which names they are about does not matter, looking is cheap.
    func drain() {
        guard let stream else { return }
        let number = engine.descriptorNumber(stream)
        unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            // SAFETY: at most the buffer's size is read, and nothing of it is used.
            while unsafe read(number, buffer.baseAddress, buffer.count) > 0 {}
        }
    }

    func stop() {
        guard let stream else { return }
        engine.close(stream)
        self.stream = nil
    }
}
