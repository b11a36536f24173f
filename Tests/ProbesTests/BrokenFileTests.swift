import Foundation
import Kernel
import Testing
import Wire

@testable import Probes

/// Files that are missing, empty, cut off, huge or nonsense: never a crash, and the other families
/// stay.
struct BrokenFileTests {
    private let fake = FakeMachine()

    /// Every file without which a family is absent, and that family.
    static let required = [
        "proc/stat": "cpu", "proc/meminfo": "memory", "proc/loadavg": "load",
        "proc/uptime": "system", "proc/diskstats": "disks", "proc/net/dev": "network",
        "proc/net/snmp": "tcp", "proc/net/sockstat": "tcp", "proc/net/tcp": "ports",
        "proc/self/statm": "agent", "proc/self/mounts": "filesystems",
    ]

    /// Files whose loss costs less than a family.
    static let partial = [
        "proc/pressure/cpu": "pressure", "proc/pressure/memory": "pressure",
        "proc/pressure/io": "pressure", "proc/self/cgroup": "system",
        "proc/net/tcp6": "ports", "proc/net/udp": "ports", "proc/net/udp6": "ports",
        "proc/net/if_inet6": "network", "sys/class/net/eth0/operstate": "network",
        "proc/901/stat": "processes", "proc/1/stat": "processes",
    ]

    /// Other families that show something of a file, beside the one that it belongs to.
    private func touched(_ probe: String) -> Set<String> {
        switch probe {
        // Boot time and number of CPUs, and the time since the boot, tell of the processes.
        case "cpu", "system": [probe, "processes"]
        // The ports probe brings the states of TCP.
        case "ports", "tcp": ["ports", "tcp"]
        default: [probe]
        }
    }

    @Test(arguments: required)
    func aMissingFileCostsItsFamilyAndNoOther(_ path: String, _ probe: String) {
        let whole = baseline()
        fake.remove(path)
        let sample = taken()
        #expect(sample.probeErrors.map(\.probe) == [probe])
        #expect(sample.probeErrors.first?.reason.contains("/\(path): ENOENT") == true)
        expectAbsent(probe, in: sample)
        expectUntouched(sample, whole, but: touched(probe))
    }

    @Test(arguments: required)
    func anEmptyFileCostsItsFamilyAndNoOther(_ path: String, _ probe: String) {
        let whole = baseline()
        fake.write(path, "")
        let sample = taken()
        // A machine may well be without disks or mounts: these two files may be empty.
        if path == "proc/diskstats" || path == "proc/self/mounts" {
            #expect(sample.probeErrors.isEmpty)
        } else {
            #expect(sample.probeErrors.map(\.probe) == [probe])
        }
        expectAbsent(probe, in: sample)
        expectUntouched(sample, whole, but: touched(probe))
    }

    @Test(arguments: required)
    func anEndlessFileIsRefused(_ path: String, _ probe: String) throws {
        let whole = baseline()
        let line = String(repeating: "9 ", count: 127) + "9\n"
        let count = (ProbeLimits.socketTableBytesMax >> 8) + 1
        fake.write(path, String(repeating: line, count: count))
        let sample = taken()
        #expect(sample.probeErrors.map(\.probe) == [probe])
        #expect(sample.probeErrors.first?.reason.contains("EFBIG") == true)
        expectAbsent(probe, in: sample)
        expectUntouched(sample, whole, but: touched(probe))
    }

    /// Each file as short as it can get, one byte after the other.
    @Test(arguments: required.merging(partial) { first, _ in first })
    func aFileCutOffAnywhereIsNoticedOrShowsLess(_ path: String, _ probe: String) {
        var sampler = fake.sampler(
            processesMax: probe == "processes" ? 20 : 0, ports: probe == "ports")
        let whole = sampler.sample()
        let wholeCounts = whole.rowCounts
        let wholeRows = Set(rows(probe, whole))
        let touched = touched(probe)
        let bytes = fake.read(path)
        for length in 0..<bytes.count {
            fake.write(path, bytes[..<length])
            // Past every time for which something is taken to stay as it is.
            fake.pass(seconds: 100)
            let sample = sampler.sample()
            let place = Comment(rawValue: "\(path) cut to \(length) bytes")
            for (family, count) in sample.rowCounts where !touched.contains(family) {
                if count != wholeCounts[family] { Issue.record("\(family): \(place)") }
            }
            #expect(sample.probeErrors.allSatisfy { $0.probe == probe }, place)
            if sample.failed(probe) { continue }
            let rows = rows(probe, sample)
            let isWholeLines = length == 0 || bytes[length - 1] == UInt8(ascii: "\n")
            #expect(isWholeLines || Set(rows) == wholeRows, place)
            #expect(wholeRows.isSuperset(of: rows), place)
        }
        fake.write(path, bytes)
        fake.pass(seconds: 100)
        #expect(sampler.sample().probeErrors.isEmpty)
    }

    /// What one row says, without what a lost line takes from all.
    private func rows(_ probe: String, _ sample: MetricsSample) -> [String] {
        switch probe {
        case "pressure":
            sample.pressure.map { "\($0.resource) \($0.someTotalMicroseconds)" }
                + sample.pressure.filter { $0.fullTotalMicroseconds > 0 }
                .map { "\($0.resource) full \($0.fullTotalMicroseconds)" }
        case "ports": sample.ports.map { "\($0.proto) \($0.address) \($0.port)" }
        case "disks": sample.disks.map { "\($0.name) \($0.readBytes) \($0.busyMilliseconds)" }
        case "network": sample.interfaces.map { "\($0.name) \($0.bytesReceived) \($0.droppedOut)" }
        default: sample.lines[probe] ?? []
        }
    }

    /// Files that stand for nothing but themselves may be cut off: they show less.
    @Test(arguments: [
        "etc/os-release", "proc/901/cmdline", "proc/777/comm", "sys/class/net/eth0/address",
    ])
    func aTextCutOffAnywhereCostsNothingElse(_ path: String) {
        let whole = baseline()
        let bytes = fake.read(path)
        var sampler = fake.sampler()
        for length in 0..<bytes.count {
            fake.write(path, bytes[..<length])
            fake.pass(seconds: 100)
            let sample = sampler.sample()
            #expect(sample.probeErrors.isEmpty)
            #expect(sample.rowCounts == whole.rowCounts)
        }
    }

    private func baseline() -> MetricsSample {
        let sample = taken()
        precondition(sample.probeErrors.isEmpty)
        return sample
    }

    private func taken() -> MetricsSample {
        var sampler = fake.sampler()
        return sampler.sample()
    }

    private func expectAbsent(_ probe: String, in sample: MetricsSample) {
        // What the counts do not tell, the tables do, and the other way round.
        if probe == "tcp" { return }
        #expect(sample.lines[probe]?.isEmpty == true, "\(probe)")
    }

    private func expectUntouched(
        _ sample: MetricsSample, _ whole: MetricsSample, but probes: Set<String>
    ) {
        for (family, lines) in sample.lines where !probes.contains(family) {
            #expect(lines == whole.lines[family], "\(family)")
        }
    }
}
