import Foundation
import Kernel
import Wire

@testable import Probes

/// A copy of a fixture tree that a test may spoil, and the answers of a machine that goes with it.
final class FakeMachine {
    let directory: URL
    /// Moves only when a test says so.
    var nowNanoseconds: UInt64 = 1_000_000_000_000
    var addresses = [
        InterfaceAddress(interface: "lo", address: "127.0.0.1"),
        InterfaceAddress(interface: "eth0", address: "192.0.2.10"),
        InterfaceAddress(interface: "eth0", address: "192.0.2.11"),
    ]
    var addressesFail = false
    var spaces = [
        "/": gibibytes(20, free: 5, available: 4),
        "/boot/efi": gibibytes(1, free: 1, available: 1),
        "/mnt/nfs": gibibytes(4000, free: 1000, available: 1000),
        "/mnt/with blank\ttab": gibibytes(100, free: 40, available: 40),
        "/srv": gibibytes(50, free: 10, available: 8),
    ]
    /// Called in the middle of the last probe.
    var onSpace: (String) -> Void = { _ in }

    init() {
        let name = "vireo-probes-\(UUID().uuidString)"
        // ext4 waits for the disk when a file is cut to nothing and written anew, as tests do
        // often.
        let memory = URL(fileURLWithPath: "/dev/shm")
        let isThere = FileManager.default.isWritableFile(atPath: memory.path)
        directory = (isThere ? memory : FileManager.default.temporaryDirectory)
            .appendingPathComponent(name)
        try! FileManager.default.copyItem(at: Self.fixture("proc-debian12"), to: directory)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    static func gibibytes(_ total: UInt64, free: UInt64, available: UInt64) -> FileSystemSpace {
        FileSystemSpace(
            totalBytes: total << 30, freeBytes: free << 30, availableBytes: available << 30,
            inodes: 1000, inodesFree: 900)
    }

    static func fixture(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/\(name)")
    }

    var root: ProbeRoot {
        ProbeRoot(
            proc: directory.path + "/proc", sys: directory.path + "/sys",
            etc: directory.path + "/etc")
    }

    var machine: Machine {
        Machine(
            now: { MonotonicTime(nanoseconds: self.nowNanoseconds) },
            wallMilliseconds: { 1_770_005_000_500 },
            threadCPUNanoseconds: { Machine.live.threadCPUNanoseconds() },
            processCPUNanoseconds: { 4_321_999_999 },
            space: { path throws(Errno) in
                self.onSpace(path)
                guard let space = self.spaces[path] else { throw .accessDenied }
                return space
            },
            addresses: { () throws(Errno) in
                if self.addressesFail { throw .notPermitted }
                return self.addresses
            },
            name: {
                MachineName(
                    hostname: "debian12", kernelRelease: "6.1.0-18-amd64", architecture: "x86_64")
            },
            ticksPerSecond: 100, pageKiB: 4)
    }

    func sampler(
        processesMax: Int = 20, ports: Bool = true, progress: ProbeProgress = ProbeProgress()
    ) -> Sampler {
        let options = ProbeOptions(processesMax: processesMax, ports: ports, portsSeconds: 0)
        return Sampler(root: root, options: options, progress: progress, machine: machine)
    }

    func pass(seconds: Double) { nowNanoseconds += UInt64(seconds * 1e9) }

    // MARK: Files

    func url(_ path: String) -> URL { directory.appendingPathComponent(path) }

    func read(_ path: String) -> [UInt8] { [UInt8](try! Data(contentsOf: url(path))) }

    /// In place, so that a descriptor that is kept open sees it, as it would the kernel's own file.
    func write(_ path: String, _ bytes: some Sequence<UInt8>) {
        let handle = try! FileHandle(forWritingTo: url(path))
        try! handle.truncate(atOffset: 0)
        try! handle.write(contentsOf: Data(bytes))
        try! handle.close()
    }

    func write(_ path: String, _ text: String) { write(path, text.utf8) }

    func create(_ path: String, _ text: String = "") {
        let place = url(path)
        try! FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try! Data(text.utf8).write(to: place)
    }

    func remove(_ path: String) { try! FileManager.default.removeItem(at: url(path)) }

    /// Replaces what the files below say by what the fixture `name` says.
    func overlay(_ name: String) {
        let source = Self.fixture(name)
        for path in Self.files(below: source) {
            write(path, [UInt8](try! Data(contentsOf: source.appendingPathComponent(path))))
        }
    }

    /// Every regular file below, sorted.
    static func files(below directory: URL) -> [String] {
        let keys: [URLResourceKey] = [.isRegularFileKey]
        let all = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: keys)!
        let prefix = directory.resolvingSymlinksInPath().path + "/"
        return all.compactMap { $0 as? URL }
            .filter { try! $0.resourceValues(forKeys: Set(keys)).isRegularFile! }
            .map { $0.resolvingSymlinksInPath().path.replacingOccurrences(of: prefix, with: "") }
            .sorted()
    }
}

extension MetricsSample {
    func failed(_ probe: String) -> Bool { probeErrors.contains { $0.probe == probe } }

    /// How many rows each family has; a value is one.
    var rowCounts: [String: Int] {
        [
            "cpu": cpu.map { 1 + $0.cores.count } ?? 0, "memory": memory == nil ? 0 : 1,
            "load": load == nil ? 0 : 1, "pressure": pressure.count,
            "system": system == nil ? 0 : 1, "disks": disks.count, "network": interfaces.count,
            "tcp": tcpStates.count, "processes": processes.count, "ports": ports.count,
            "agent": agent == nil ? 0 : 1, "filesystems": fileSystems.count,
        ]
    }

    /// Every family as lines of text: one for a value, one for each row.
    var lines: [String: [String]] {
        [
            "cpu": cpu.map { ["\($0.modes)"] + $0.cores.map { "\($0.number) \($0.modes)" } } ?? [],
            "memory": memory.map { ["\($0)"] } ?? [],
            "load": load.map { ["\($0)"] } ?? [],
            "pressure": pressure.map { "\($0)" },
            "system": system.map { ["\($0)"] } ?? [],
            "disks": disks.map { "\($0)" },
            "network": interfaces.map { "\($0)" },
            "tcp": tcpStates.map { "\($0)" },
            "processes": processes.map { "\($0)" },
            "ports": ports.map { "\($0)" },
            "agent": agent.map { ["\($0)"] } ?? [],
            "filesystems": fileSystems.map { "\($0)" },
        ]
    }
}
