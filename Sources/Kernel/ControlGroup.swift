import CLinux
import Glibc

/// A directory of the cgroup2 file system. Source: cgroups(7), the kernel's
/// Documentation/admin-guide/cgroup-v2.rst.
public final class ControlGroup {
    public let path: String
    private let directory: FileDescriptor
    /// Whether ``kill()`` was called. Nothing should be started in it any more: Linux 6.18 kills
    /// what clone3(2) starts in a group whose count of kills is not that of the caller's own.
    public private(set) var wasKilled = false

    /// - Throws: ENOENT when there is none of that path.
    public init(path: String) throws(Errno) {
        // SAFETY: the path is a string of our own for the time of the call.
        let number = unsafe clinux_open_directory(path)
        guard number >= 0 else { throw .current }
        directory = FileDescriptor(owning: number)
        self.path = path
    }

    private init(path: String, directory: consuming FileDescriptor) {
        self.path = path
        self.directory = directory
    }

    var number: Int32 { directory.number }

    /// The last part of its path.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

    /// Where this process stands: the mount point and the path below it; `nil` where there is no
    /// cgroup2 file system, or this process stands outside of what is mounted.
    public static func ownPath() -> String? {
        var reader = FileReader(bytesMax: 1 << 20)
        guard let own = try? reader.read("/proc/self/cgroup").repairedText,
            let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }),
            let mounts = try? reader.read("/proc/self/mounts").repairedText
        else { return nil }
        let below = line.dropFirst(3)
        guard !below.hasPrefix("/..") else { return nil }
        for mount in mounts.split(separator: "\n") {
            let fields = mount.split(separator: " ")
            guard fields.count > 2, fields[2] == "cgroup2" else { continue }
            return String(below == "/" ? fields[1] : fields[1] + below)
        }
        return nil
    }

    /// Whether the service manager gave this group away (`Delegate=yes`), by the mark that it sets.
    /// Without it the group is not ours to divide, whatever its permissions say.
    public var isDelegated: Bool { clinux_is_delegated(number) == 1 }

    /// Makes a group below this one, or opens the one that is there.
    public func makeChild(_ name: String) throws(Errno) -> ControlGroup {
        // SAFETY: the names are strings of our own for the time of the calls.
        if unsafe clinux_make_directory_at(number, name) < 0, Errno.current.rawValue != EEXIST {
            throw .current
        }
        let child = unsafe clinux_open_directory_at(number, name)
        guard child >= 0 else { throw .current }
        return ControlGroup(path: "\(path)/\(name)", directory: FileDescriptor(owning: child))
    }

    /// Names of the groups below this one.
    public func childNames() -> [String] {
        let names = (try? directoryNames(path)) ?? []
        return names.filter { (try? FileStatus.of("\(path)/\($0)"))?.isDirectory ?? false }
    }

    /// - Throws: EBUSY while a process or a group is in it.
    public func removeChild(_ name: String) throws(Errno) {
        // SAFETY: as above.
        guard unsafe clinux_remove_directory_at(number, name) == 0 else { throw .current }
    }

    /// Sets one of the group's files.
    public func write(_ text: String, to file: String) throws(Errno) {
        // SAFETY: as above.
        guard unsafe clinux_write_file_at(number, file, text) == 0 else { throw .current }
    }

    /// Reads one of the group's files, at most 64 KiB of it.
    public func read(_ file: String) throws(Errno) -> String {
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 65_536) {
            buffer -> String? in
            // SAFETY: the call ends the text with a NUL inside the buffer.
            let count = unsafe clinux_read_file_at(
                number, file, buffer.baseAddress, Int32(buffer.count))
            return unsafe count < 0 ? nil : String(cString: buffer.baseAddress!)
        }
        guard let text else { throw .current }
        return text
    }

    /// Moves this process, with all its threads.
    public func enter() throws(Errno) {
        try write("\(getpid())", to: "cgroup.procs")
    }

    /// Ends every process in it and below it at once, those included that are just being made.
    /// cgroup.kill, Linux 5.14; one after the other where there is none.
    public func kill() {
        wasKilled = true
        guard (try? write("1", to: "cgroup.kill")) == nil else { return }
        for pid in (try? read("cgroup.procs"))?.split(separator: "\n") ?? [] {
            if let pid = Int32(pid) { _ = clinux_signal_process(pid, SIGKILL) }
        }
    }

    /// Whether a process is in it or below it that has not ended.
    public var isPopulated: Bool {
        ((try? read("cgroup.events")) ?? "").split(separator: "\n").contains("populated 1")
    }

    /// Signals every process in it once, such as SIGTERM, which cgroup.kill cannot send.
    public func signal(_ number: Int32) {
        for pid in (try? read("cgroup.procs"))?.split(separator: "\n") ?? [] {
            if let pid = Int32(pid) { _ = clinux_signal_process(pid, number) }
        }
    }
}
