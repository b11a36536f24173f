import IOEngine
import Kernel

/// Tells when a name appears in a directory or changes its mode: what a port waits for instead of
/// polling.
///
/// A directory that does not exist is not watched, nor is one that may not be; then the port's
/// back-off alone decides when to look again. Source: inotify(7).
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
            guard let descriptor = try? DirectoryEvents.descriptor() else { return }
            stream = try? engine.attach(descriptor, .device)
            guard let stream else { return }
            engine.watch(stream)
        }
        guard let stream else { return }
        for directory in directories {
            DirectoryEvents.watch(directory, with: engine.descriptorNumber(stream))
        }
    }

    /// Reads all events that are there; which names they are about does not matter, looking is
    /// cheap.
    func drain() {
        guard let stream else { return }
        DirectoryEvents.drain(engine.descriptorNumber(stream))
    }

    func stop() {
        guard let stream else { return }
        engine.close(stream)
        self.stream = nil
    }
}
