import Kernel
import Synchronization

/// The file systems that one holder freezes, all open before the first is frozen.
final class FrozenFileSystems: Sendable {
    private struct State: Sendable {
        /// Places in `mounts`, in the order in which they were frozen.
        var frozen: [Int] = []
        var skipped: [(Int, Errno)] = []
        var failure: (Int, Errno)?
        /// Nothing may stay frozen from here on.
        var isOver = false
        var isComplete = false
    }

    /// A mount point that is open: an array holds no `~Copyable` value.
    private final class OpenMount: Sendable {
        let mount: BlockMount
        private let descriptor: FileDescriptor

        init(_ mount: BlockMount) throws(Errno) {
            descriptor = try FileDescriptor.open(mount.point, .directory)
            self.mount = mount
        }

        func freeze() -> Errno? {
            do throws(Errno) {
                try descriptor.freezeFileSystem()
                return nil
            } catch {
                return error
            }
        }

        func thaw() -> Errno? {
            do throws(Errno) {
                try descriptor.thawFileSystem()
                return nil
            } catch {
                return error
            }
        }
    }

    private let mounts: [OpenMount]
    private let state = Mutex(State())

    /// Mount points that could not be opened, and why: those are not frozen.
    let unopened: [(point: String, error: Errno)]

    /// Opens the mount points.
    init(_ mounts: [BlockMount]) {
        var opened: [OpenMount] = []
        var unopened: [(point: String, error: Errno)] = []
        for (place, mount) in mounts.enumerated() {
            do throws(Errno) {
                guard place < FreezeLimits.fileSystemsMax else { throw .tooManyFiles }
                opened.append(try OpenMount(mount))
            } catch {
                unopened.append((mount.point, error))
            }
        }
        self.mounts = opened
        self.unopened = unopened
    }

    var isEmpty: Bool { mounts.isEmpty }

    /// Freezes one after another, until one fails or ``thaw()`` says that it is over.
    ///
    /// It may never return: it waits for flushes.
    func freeze() {
        defer { state.withLock { $0.isComplete = true } }
        for place in mounts.indices {
            guard !state.withLock({ $0.isOver }) else { return }
            let error = mounts[place].freeze()
            let goesOn = state.withLock { state -> Bool in
                switch error {
                case nil where state.isOver:
                    // Too late: nobody will thaw it but this thread.
                    _ = mounts[place].thaw()
                    return false
                case nil: state.frozen.append(place)
                case .some(let error) where Self.cannotBeFrozen.contains(error):
                    state.skipped.append((place, error))
                case .some(let error):
                    state.failure = (place, error)
                    return false
                }
                return true
            }
            guard goesOn else { return }
        }
    }

    /// File systems that have no freezing, such as vfat.
    private static let cannotBeFrozen: Set<Errno> = [
        Errno(rawValue: 95), Errno(rawValue: 25), .invalid,
    ]

    /// Thaws what was frozen, last first, and lets nothing be frozen any more. Lines of the answer.
    @discardableResult func thaw() -> [String] {
        state.withLock { state in
            state.isOver = true
            var lines: [String] = []
            for place in state.frozen.reversed() {
                let error = mounts[place].thaw()
                // EINVAL: somebody else has thawed it.
                if let error, error != .invalid {
                    lines.append("failed \(mounts[place].mount.point) \(error)")
                } else {
                    lines.append("thawed \(mounts[place].mount.point)")
                }
            }
            state.frozen = []
            return lines
        }
    }

    /// The answer to the freeze, `nil` as long as it goes on.
    var report: (lines: [String], isGood: Bool)? {
        state.withLock { state in
            guard state.isComplete else { return nil }
            var lines = state.frozen.map { "frozen \(mounts[$0].mount.point)" }
            lines += unopened.map { "skipped \($0.point) \($0.error.name)" }
            lines += state.skipped.map { "skipped \(mounts[$0.0].mount.point) \($0.1.name)" }
            if let (place, error) = state.failure {
                let why = error == .busy ? "it is frozen already" : "\(error)"
                return (["failed \(mounts[place].mount.point): \(why)"], false)
            }
            return (lines, true)
        }
    }

    /// Thaws every file system of the machine, whoever froze it. Lines of the answer.
    static func thawAll(_ mounts: [BlockMount]) -> [String] {
        mounts.reversed().compactMap { mount in
            guard let descriptor = try? FileDescriptor.open(mount.point, .directory) else {
                return "skipped \(mount.point) cannot be opened"
            }
            do throws(Errno) {
                try descriptor.thawFileSystem()
                return "thawed \(mount.point)"
            } catch {
                // EINVAL is the usual case: it was not frozen.
                return error == .invalid ? nil : "skipped \(mount.point) \(error.name)"
            }
        }
    }
}

/// The machine's mounts.
enum MountTableFile {
    /// - Throws: what reading /proc/self/mountinfo says.
    static func ordered(points: Set<String>) throws(Errno) -> [BlockMount] {
        let bytes = try FileDescriptor.tail(
            "/proc/self/mountinfo", bytesMax: FreezeLimits.tableBytesMax)
        let mounts = BlockMount.parse(String(decoding: bytes, as: UTF8.self))
        return BlockMount.inFreezingOrder(mounts, points: points) { device in
            let path = "/sys/block/\(device)/loop/backing_file"
            guard let bytes = try? FileDescriptor.tail(path, bytesMax: 4096) else { return nil }
            return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        }
    }
}
