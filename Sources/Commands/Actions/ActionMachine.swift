import Glibc
import Kernel
import Probes
import Synchronization
public import Wire

/// What actions ask of the machine that they run on, so that a test can answer in its place.
public struct ActionMachine: Sendable {
    /// The absolute path of a program, `nil` when it is not installed.
    public var find: @Sendable (_ program: String) -> String?
    public var exists: @Sendable (_ path: String) -> Bool
    /// The end of a file, at most so many bytes; `nil` when it cannot be read.
    public var read: @Sendable (_ path: String, _ bytesMax: Int) -> [UInt8]?
    /// The names in a directory, none when it cannot be read.
    public var names: @Sendable (_ directory: String) -> [String]
    /// What the probes see, every process among it.
    public var sample: @Sendable () -> MetricsSample
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: @Sendable () -> Int64
    /// Sends a signal to a process, if it is still the one that began at that time.
    public var signal:
        @Sendable (_ pid: Int32, _ signal: Int32, _ startedWallMilliseconds: Int64?)
            throws(ActionFailure) -> Void
    /// Processes that no action may signal: this one and the one that started it.
    public var ownPIDs: [Int32]
    /// Starts the program that keeps file systems frozen and thaws them in time.
    public var freezer: FileSystemFreezer

    public init(
        find: @escaping @Sendable (String) -> String?,
        exists: @escaping @Sendable (String) -> Bool,
        read: @escaping @Sendable (String, Int) -> [UInt8]?,
        names: @escaping @Sendable (String) -> [String],
        sample: @escaping @Sendable () -> MetricsSample,
        wallMilliseconds: @escaping @Sendable () -> Int64,
        signal: @escaping @Sendable (Int32, Int32, Int64?) throws(ActionFailure) -> Void,
        ownPIDs: [Int32], freezer: FileSystemFreezer
    ) {
        self.find = find
        self.exists = exists
        self.read = read
        self.names = names
        self.sample = sample
        self.wallMilliseconds = wallMilliseconds
        self.signal = signal
        self.ownPIDs = ownPIDs
        self.freezer = freezer
    }

    /// This machine.
    ///
    /// - Parameter freezeProgram: the absolute path of `vireo-freeze`.
    public static func live(freezeProgram: String = "/usr/libexec/vireo/vireo-freeze")
        -> ActionMachine
    {
        let samples = SampleSource()
        return ActionMachine(
            find: { installedProgram($0) },
            exists: { (try? FileStatus.of($0)) != nil },
            read: { try? FileDescriptor.tail($0, bytesMax: $1) },
            names: { (try? directoryNames($0)) ?? [] },
            sample: { samples.next() },
            wallMilliseconds: { WallTime.now.millisecondsSince1970 },
            signal: { pid, signal, started throws(ActionFailure) in
                try samples.signal(pid: pid, signal, startedWallMilliseconds: started)
            },
            ownPIDs: ProcessHandle.ownPIDs.filter { $0 > 1 },
            freezer: FileSystemFreezer(program: freezeProgram))
    }

    func readText(_ path: String, bytesMax: Int = 65_536) -> String? {
        read(path, bytesMax).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The folders of programs that the system's packages own, in the order in which they are searched.
/// `/usr/local` is not among them: what stands there is not the distribution's.
private let programFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]

private func installedProgram(_ name: String) -> String? {
    programFolders.map { "\($0)/\(name)" }.first { path in
        guard let status = try? FileStatus.of(path) else { return false }
        return !status.isDirectory && status.permissions & 0o111 != 0
    }
}

/// Samples with every process in them, for this process's actions.
///
/// CPU use is since the sample before, and in the first since each process's start.
private final class SampleSource: Sendable {
    private let sampler = Mutex(
        Sampler(options: ProbeOptions(processesMax: 65_536, ports: false)))

    func next() -> MetricsSample { sampler.withLock { $0.sample() } }

    /// The handle is taken first and the start compared then, so that the process that is signalled
    /// is the one that was compared, whoever gets its number later.
    func signal(
        pid: Int32, _ signal: Int32, startedWallMilliseconds: Int64?
    ) throws(ActionFailure) {
        do throws(Errno) {
            let process = try ProcessHandle(pid: pid)
            if let startedWallMilliseconds {
                let row = next().processes.first { $0.pid == UInt32(pid) }
                // Starts are in ticks of 10 ms since a boot whose second alone is known.
                guard let row,
                    abs(row.startedWallMilliseconds - startedWallMilliseconds) <= 1_000
                else { throw Errno(rawValue: ESRCH) }
            }
            try process.signal(signal)
        } catch {
            switch error.rawValue {
            case ESRCH:
                throw .failed(
                    "no process \(pid)"
                        + (startedWallMilliseconds == nil ? "" : " that began at that time"))
            case EPERM:
                throw ActionFailure(
                    code: .permissionDenied, reason: "process \(pid) may not be signalled: \(error)"
                )
            default: throw .failed("process \(pid): \(error)")
            }
        }
    }
}
