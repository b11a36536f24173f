import Foundation
import Glibc
import Kernel
import Testing
import Wire

@testable import Probes

/// This machine, against what its own tools and files say.
@Suite(.serialized)
struct LiveTests {
    /// What moves may differ once: it has to agree in one of some attempts.
    private func eventually(_ what: Comment, _ agrees: () throws -> Bool) rethrows {
        for _ in 0..<20 {
            if try agrees() { return }
            usleep(50_000)
        }
        Issue.record(what)
    }

    @Test func nothingFailsHere() {
        var sampler = Sampler()
        _ = sampler.sample()
        usleep(50_000)
        let sample = sampler.sample()
        #expect(sample.probeErrors.filter { $0.probe != "filesystems" }.isEmpty)
        #expect(abs(Double(sample.wallMilliseconds) / 1000 - Date().timeIntervalSince1970) < 5)
        #expect(sample.cpu != nil && sample.memory != nil && sample.system != nil)
        #expect(sample.load != nil && sample.agent != nil && !sample.processes.isEmpty)
    }

    /// Counters only grow, so a sample lies between a look before it and one after.
    @Test func countersLieBetweenALookBeforeAndOneAfter() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        let earlier = try (file("/proc/stat"), file("/proc/diskstats"), file("/proc/net/dev"))
        let sample = sampler.sample()
        let later = try (file("/proc/stat"), file("/proc/diskstats"), file("/proc/net/dev"))
        func expectBetween(_ before: String, _ value: UInt64, _ after: String) throws {
            let range = try #require(UInt64(before))...(try #require(UInt64(after)))
            #expect(range.contains(value))
        }
        let cpu = try #require(sample.cpu)
        try expectBetween(earlier.0[0][1], cpu.modes.user, later.0[0][1])
        try expectBetween(earlier.0[0][3], cpu.modes.system, later.0[0][3])
        let cores = later.0.filter { $0[0].hasPrefix("cpu") && $0[0] != "cpu" }
        #expect(cpu.cores.map { "cpu\($0.number)" } == cores.map { $0[0] })
        #expect(!sample.disks.isEmpty)
        for disk in sample.disks {
            let before = try #require(earlier.1.first { $0[2] == disk.name })
            let after = try #require(later.1.first { $0[2] == disk.name })
            try expectBetween(before[3], disk.readOperations, after[3])
            try expectBetween(before[5], disk.readBytes / 512, after[5])
            try expectBetween(before[9], disk.writeBytes / 512, after[9])
            try expectBetween(before[12], disk.busyMilliseconds, after[12])
        }
        #expect(sample.interfaces.map(\.name) == later.2.dropFirst(2).map { $0[0] })
        for (index, interface) in sample.interfaces.enumerated() {
            let (before, after) = (earlier.2[index + 2], later.2[index + 2])
            try expectBetween(before[1], interface.bytesReceived, after[1])
            try expectBetween(before[9], interface.bytesSent, after[9])
            try expectBetween(before[10], interface.packetsSent, after[10])
        }
    }

    @Test func wholeDisksAreThoseOfLsblk() throws {
        let lines = try output("lsblk", "--nodeps", "--noheadings", "--output", "NAME,TYPE")
        let skipped = ["loop", "ram", "zram", "sr", "fd"]
        let names = lines.split(separator: "\n").map { $0.split(separator: " ")[0] }
            .filter { name in !skipped.contains { name.hasPrefix($0) } }
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        #expect(Set(sampler.sample().disks.map(\.name)) == Set(names.map(String.init)))
    }

    @Test func memoryIsWhatTheKernelSays() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        func field(_ name: String) throws -> Double {
            let line = try file("/proc/meminfo").first { $0[0] == name }
            return Double(try #require(line)[1])!
        }
        try eventually("memory differs by more than 64 MiB each time") {
            let memory = try #require(sampler.sample().memory)
            #expect(Double(memory.totalKiB) == (try field("MemTotal")))
            #expect(Double(memory.swapTotalKiB) == (try field("SwapTotal")))
            let differences = [
                Double(memory.availableKiB) - (try field("MemAvailable")),
                Double(memory.freeKiB) - (try field("MemFree")),
                Double(memory.cachedKiB) - (try field("Cached")),
            ]
            return differences.allSatisfy { abs($0) < 65536 }
        }
    }

    @Test func loadIsWhatTheKernelSays() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        try eventually("load averages differ each time") {
            let fields = try file("/proc/loadavg")[0]
            let load = try #require(sampler.sample().load)
            return [load.oneMinute, load.fiveMinutes, load.fifteenMinutes]
                == fields[..<3].map { Double($0)! }
        }
    }

    @Test func theSystemIsWhatUnameAndTheShellSay() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        let before = UInt64(Double(try file("/proc/uptime")[0][0])!)
        let system = try #require(sampler.sample().system)
        let after = UInt64(Double(try file("/proc/uptime")[0][0])!)
        #expect((before...after).contains(system.uptimeSeconds))
        let uname = "\(system.kernelVersion) \(system.architecture)\n"
        #expect(try output("uname", "-r", "-m") == uname)
        #expect(try output("uname", "-n") == system.hostname + "\n")
        let shell = ". /etc/os-release && echo \"$NAME $VERSION_ID\""
        #expect(try output("sh", "-c", shell) == "\(system.name) \(system.osVersion)\n")
    }

    @Test func fileSystemsAreWhatDfSays() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        let all = sampler.sample().fileSystems
        #expect(!all.isEmpty)
        for (index, first) in all.enumerated() {
            try eventually("\(first.mountPoint) differs from df by more than 16 MiB each time") {
                let row = sampler.sample().fileSystems[index]
                let columns = "--output=source,fstype,size,used,avail,itotal,iused"
                let lines = try output("df", "--block-size=1", columns, row.mountPoint)
                let fields = lines.split(separator: "\n")[1].split(separator: " ").map(String.init)
                #expect([row.device, row.type, "\(row.totalBytes)"] == fields[..<3])
                #expect("\(row.inodes)" == fields[5])
                return abs(Double(row.usedBytes) - Double(fields[3])!) < 16_777_216
                    && abs(Double(row.availableBytes) - Double(fields[4])!) < 16_777_216
                    && abs(Double(row.inodesUsed) - Double(fields[6])!) < 1000
            }
        }
    }

    @Test func addressesAreThoseOfGetifaddrs() {
        var known: Set<String> = []
        var list: UnsafeMutablePointer<ifaddrs>?
        #expect(getifaddrs(&list) == 0)
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr else { continue }
            let family = Int32(address.pointee.sa_family)
            let isIPv6 = family == AF_INET6
            guard isIPv6 || family == AF_INET else { continue }
            let size = isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
            var text = [CChar](repeating: 0, count: 256)
            let result = getnameinfo(
                address, socklen_t(size), &text, 256, nil, 0, Int32(NI_NUMERICHOST))
            #expect(result == 0)
            let whole = String(decoding: text.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self)
            let withoutScope = whole.split(separator: "%")[0]
            known.insert("\(String(cString: entry.ifa_name)) \(withoutScope)")
        }
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        let interfaces = sampler.sample().interfaces
        let ours = interfaces.flatMap { one in one.addresses.map { "\(one.name) \($0)" } }
        #expect(Set(ours) == known)
        #expect(ours.contains("lo 127.0.0.1"))
        #expect(interfaces.first { $0.name == "lo" }?.isUp == true)
    }

    @Test func theAgentsOwnCostIsWhatTheKernelSays() throws {
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        let before = try #require(sampler.sample().agent)
        let line = try file("/proc/self/status").first { $0[0] == "VmRSS" }
        let resident = Double(try #require(line)[1])!
        #expect(abs(Double(before.residentKiB) - resident) < 0.2 * resident)
        let end = Date(timeIntervalSinceNow: 0.1)
        while Date() < end {}
        let after = try #require(sampler.sample().agent)
        #expect(after.cpuMilliseconds > before.cpuMilliseconds)
    }

    /// The kernel tells when the table of mounts has changed.
    @Test(.enabled(if: LiveTests.mayMount, "mount(2) is not allowed here"))
    func theTableOfMountsIsReadAgainOnlyWhenItChanged() throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("vireo-mount-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true)
        defer { rmdir(place) }
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        // Others may mount something at any time, but not every time.
        eventually("the table is read in every sample") {
            _ = sampler.sample()
            let readings = sampler.fileSystems.readings
            for _ in 0..<3 { _ = sampler.sample() }
            return sampler.fileSystems.readings == readings
        }
        let readings = sampler.fileSystems.readings
        #expect(mount("vireo", place, "tmpfs", 0, nil) == 0)
        _ = sampler.sample()
        #expect(sampler.fileSystems.readings > readings)
        #expect(umount2(place, 0) == 0)
    }

    static var mayMount: Bool {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("vireo-may-mount-\(UUID().uuidString)").path
        guard mkdir(place, 0o700) == 0 else { return false }
        defer { rmdir(place) }
        guard mount("vireo", place, "tmpfs", 0, nil) == 0 else { return false }
        return umount2(place, 0) == 0
    }
}
