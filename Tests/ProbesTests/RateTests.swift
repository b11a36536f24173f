import Foundation
import Kernel
import Testing
import Wire

@testable import Probes

/// Two looks two seconds apart, the second at a tree in which the counters have moved.
struct RateTests {
    private let fake = FakeMachine()

    private func two(
        seconds: Double = 2, between: (FakeMachine) -> Void = { $0.overlay("proc-debian12-later") }
    ) -> (first: MetricsSample, second: MetricsSample) {
        var sampler = fake.sampler()
        let first = sampler.sample()
        between(fake)
        fake.pass(seconds: seconds)
        return (first, sampler.sample())
    }

    @Test func cpuOverTheTimeBetween() throws {
        let cpu = try #require(two().second.cpu)
        #expect(cpu.usagePercent == 50)
        #expect(cpu.cores.map(\.usagePercent) == [100, 0])
    }

    @Test func aCPUThatLeavesAndReturnsIsNotMistakenForAnother() throws {
        var sampler = fake.sampler()
        _ = sampler.sample()
        let whole = String(decoding: fake.read("proc/stat"), as: UTF8.self)
        fake.write(
            "proc/stat",
            whole.split(separator: "\n").filter { !$0.hasPrefix("cpu0") }
                .joined(separator: "\n") + "\n")
        let without = try #require(sampler.sample().cpu)
        #expect(without.cores.map(\.number) == [1])
        #expect(without.cores[0].usagePercent == 0)
        fake.overlay("proc-debian12-later")
        let again = try #require(sampler.sample().cpu)
        #expect(again.cores.map(\.number) == [0, 1])
        // cpu0 was not in the sample before: since the boot. cpu1 was idle.
        #expect(abs(again.cores[0].usagePercent - 14.7) < 0.1)
        #expect(again.cores[1].usagePercent == 0)
    }

    @Test(arguments: ["user", "nice", "system", "idle", "irq", "softirq", "steal"])
    func aCPUModeThatGoesBackwardsGivesZero(_ mode: String) throws {
        let names = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
        var ticks = [10150, 200, 3050, 80180, 520, 10, 290, 60]
        ticks[names.firstIndex(of: mode)!] = 1
        let line = ticks.map(String.init).joined(separator: " ")
        let cpu = try #require(two { $0.write("proc/stat", "cpu  \(line)\n") }.second.cpu)
        #expect(cpu.usagePercent == 0)
    }

    @Test func aWaitThatTheKernelTakesBackCountsAsNone() throws {
        let line = "cpu  10100 200 3000 80100 400 10 290 60"
        let cpu = try #require(two { $0.write("proc/stat", line + "\n") }.second.cpu)
        #expect(cpu.usagePercent == 50)
    }

    @Test func disksOverTheTimeBetween() {
        let disk = two().second.disks[0]
        #expect(disk.readBytesPerSecond == 8192.0 * 512 / 2)
        #expect(disk.writeBytesPerSecond == 16384.0 * 512 / 2)
        #expect(disk.readOperationsPerSecond == 50)
        #expect(disk.writeOperationsPerSecond == 200)
        #expect(disk.readLatencyMilliseconds == 2.5)
        #expect(disk.writeLatencyMilliseconds == 1.5)
        #expect(disk.utilizationPercent == 50)
    }

    @Test func aDiskThatIsIdleOrWasResetHasRatesOfZero() {
        let disks = two().second.disks
        for disk in disks[1...3] {
            #expect(disk.readBytesPerSecond == 0 && disk.writeBytesPerSecond == 0)
            #expect(disk.readOperationsPerSecond == 0 && disk.writeOperationsPerSecond == 0)
            #expect(disk.readLatencyMilliseconds == 0 && disk.writeLatencyMilliseconds == 0)
            #expect(disk.utilizationPercent == 0)
        }
        #expect(disks[2].name == "dm-0" && disks[2].readOperations == 100)
    }

    @Test func aDiskThatIsPluggedInHasNoRateAtFirst() {
        let line = " 254      16 vdb 900 0 7200 90 0 0 0 0 0 80 90 0 0 0 0 0 0\n"
        var sampler = fake.sampler()
        _ = sampler.sample()
        fake.create("sys/block/vdb/size")
        let lines = String(decoding: fake.read("proc/diskstats"), as: UTF8.self)
        fake.write("proc/diskstats", line + lines)
        fake.pass(seconds: 1)
        let plugged = sampler.sample().disks
        #expect(plugged.map(\.name) == ["vdb", "vda", "nvme0n1", "dm-0", "cciss/c0d0"])
        #expect(plugged.allSatisfy { $0.readBytesPerSecond == 0 && $0.utilizationPercent == 0 })
        fake.write("proc/diskstats", lines.replacing("vda 20000 ", with: "vda 20010 "))
        fake.pass(seconds: 1)
        let unplugged = sampler.sample().disks
        #expect(unplugged.map(\.name) == ["vda", "nvme0n1", "dm-0", "cciss/c0d0"])
        #expect(unplugged[0].readOperationsPerSecond == 10)
    }

    @Test func utilizationStopsAtTheWhole() {
        // The kernel's time of the device and ours are not read at the same moment.
        let disk = two(seconds: 0.5).second.disks[0]
        #expect(disk.utilizationPercent == 100)
    }

    @Test func interfacesOverTheTimeBetween() {
        let interfaces = two().second.interfaces
        #expect(interfaces[1].receivedBytesPerSecond == 100_000)
        #expect(interfaces[1].sentBytesPerSecond == 5000)
        #expect(interfaces[0].receivedBytesPerSecond == 0)
        // Reset, and wrapped around.
        #expect(interfaces[3].receivedBytesPerSecond == 0)
        #expect(interfaces[3].sentBytesPerSecond == 0)
        #expect(interfaces[3].bytesReceived == 512)
    }

    @Test func aBrokenFileBetweenGivesNoRateFromItsNumbers() {
        var sampler = fake.sampler()
        _ = sampler.sample()
        let devices = fake.read("proc/net/dev")
        let disks = fake.read("proc/diskstats")
        let headings = "a\nb\n"
        fake.write("proc/net/dev", headings + "lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\neth0: x\n")
        fake.write("proc/diskstats", "254 0 vda 1 1 1 1 1 1 1 1 1 1 1\n259 0 nvme0n1 x\n")
        fake.pass(seconds: 1)
        let broken = sampler.sample()
        #expect(broken.failed("network") && broken.failed("disks"))
        #expect(broken.interfaces.isEmpty && broken.disks.isEmpty)
        fake.write("proc/net/dev", devices)
        fake.write("proc/diskstats", disks)
        fake.pass(seconds: 1)
        let whole = sampler.sample()
        #expect(whole.probeErrors.isEmpty)
        #expect(whole.interfaces.allSatisfy { $0.receivedBytesPerSecond == 0 })
        #expect(whole.disks.allSatisfy { $0.readBytesPerSecond == 0 })
        #expect(whole.interfaces[1].addresses.count == 4)
    }

    @Test func processesOverTheTimeBetween() {
        let processes = two().second.processes
        // 902 is another one now: 25 ticks in the half second since its start.
        #expect(processes.prefix(3).map(\.pid) == [901, 900, 902])
        #expect(processes.prefix(3).map(\.name) == ["python3", "a) R 1 (b", "fresh"])
        #expect(processes.prefix(3).map(\.cpuPercent) == [75, 50, 50])
        #expect(processes.dropFirst(3).allSatisfy { $0.cpuPercent == 0 })
        // Without CPU time the memory decides.
        #expect(processes.dropFirst(3).map(\.pid) == [1, 777, 2])
    }

    @Test func aProcessWhoseTimeGoesBackwardsHasUsedNone() throws {
        let pair = two { fake in
            let line = String(decoding: fake.read("proc/901/stat"), as: UTF8.self)
            fake.write(
                "proc/901/stat", line.replacing(" 1000 2000 3 4 50 0 ", with: " 1 2 3 4 9 0 "))
        }
        let process = try #require(pair.second.processes.first { $0.pid == 901 })
        #expect(process.cpuPercent == 0)
    }

    @Test func noProcessUsesMoreThanTheMachineHas() throws {
        let pair = two { fake in
            let line = String(decoding: fake.read("proc/901/stat"), as: UTF8.self)
            fake.write(
                "proc/901/stat", line.replacing(" 3 4 50 0 ", with: " 3 4 1152921504606846976 0 "))
        }
        let process = try #require(pair.second.processes.first { $0.pid == 901 })
        #expect(process.cpuPercent == 200)
    }

    @Test func withoutTimeBetweenThereAreNoRates() {
        let second = two(seconds: 0).second
        #expect(
            second.disks.allSatisfy { $0.readBytesPerSecond == 0 && $0.utilizationPercent == 0 })
        #expect(second.interfaces.allSatisfy { $0.receivedBytesPerSecond == 0 })
        #expect(second.processes.first { $0.pid == 901 }?.cpuPercent == 0)
    }

    @Test func whatHardlyChangesIsReadAgainAfterAWhile() {
        let fake = fake
        var sampler = fake.sampler()
        _ = sampler.sample()
        fake.addresses = [InterfaceAddress(interface: "eth0", address: "192.0.2.99")]
        fake.write("proc/901/cmdline", "other")
        fake.write("etc/os-release", "NAME=Other\n")
        fake.pass(seconds: 9)
        let soon = sampler.sample()
        #expect(soon.interfaces[1].addresses.first == "192.0.2.10")
        #expect(soon.processes.first { $0.pid == 901 }?.commandLine.hasPrefix("python3") == true)
        fake.pass(seconds: 2)
        let later = sampler.sample()
        #expect(later.interfaces[1].addresses.first == "192.0.2.99")
        #expect(later.processes.first { $0.pid == 901 }?.commandLine == "other")
        #expect(later.system?.name == "Debian GNU/Linux")
        fake.pass(seconds: 60)
        #expect(sampler.sample().system?.name == "Other")
    }

    @Test func anInterfaceThatGoesDownHasItsAddressesReadAtOnce() {
        var sampler = fake.sampler()
        _ = sampler.sample()
        fake.addresses = []
        let unchanged = sampler.sample().interfaces[1]
        #expect(unchanged.addresses.first == "192.0.2.10")
        fake.write("sys/class/net/eth0/operstate", "down\n")
        let changed = sampler.sample().interfaces[1]
        #expect(changed.isUp == false)
        #expect(changed.addresses == ["2001:db8::8:800:2020:c41", "fe80::5054:ff:fe12:3456"])
    }

    @Test func aNewInterfaceHasItsAddressesAtOnce() {
        var sampler = fake.sampler()
        _ = sampler.sample()
        fake.create("sys/class/net/wg0/operstate", "down\n")
        fake.addresses.append(InterfaceAddress(interface: "wg0", address: "198.51.100.1"))
        let lines = String(decoding: fake.read("proc/net/dev"), as: UTF8.self)
        fake.write("proc/net/dev", lines + "wg0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n")
        fake.pass(seconds: 1)
        let interface = sampler.sample().interfaces.last
        #expect(interface?.name == "wg0" && interface?.isUp == false)
        #expect(interface?.addresses == ["198.51.100.1"])
        #expect(interface?.receivedBytesPerSecond == 0)
    }

    /// The second look comes with the second sample, for the shares' sake.
    @Test func processesAreLookedAtAgainOnlyAfterTheirTime() {
        let options = ProbeOptions(processesMax: 20, processesSeconds: 5, ports: false)
        var sampler = Sampler(
            root: fake.root, options: options, progress: ProbeProgress(), machine: fake.machine)
        let count = sampler.sample().processes.count
        #expect(count > 1)
        fake.pass(seconds: 1)
        #expect(sampler.sample().processes.count == count)
        fake.remove("proc/1")
        fake.pass(seconds: 4)
        #expect(sampler.sample().processes.count == count)
        fake.pass(seconds: 1)
        #expect(sampler.sample().processes.count == count - 1)
    }

    private func portSampler() -> Sampler {
        let options = ProbeOptions(processesMax: 0, ports: true, portsSeconds: 10)
        return Sampler(
            root: fake.root, options: options, progress: ProbeProgress(), machine: fake.machine)
    }

    @Test func portsAreReadAgainOnlyAfterTheirTime() {
        var sampler = portSampler()
        #expect(sampler.sample().ports.count == 6)
        fake.write("proc/net/udp6", "heading\n")
        fake.write("proc/net/sockstat", "TCP: inuse 12 orphan 1 tw 3 alloc 14 mem 2\n")
        fake.pass(seconds: 9)
        #expect(sampler.sample().ports.count == 6)
        fake.pass(seconds: 1)
        #expect(sampler.sample().ports.count == 5)
    }

    /// The tables are costly and the counts are not. What bytes in flight cost is no count.
    @Test(arguments: [
        ("proc/net/sockstat", "alloc 14 mem 2", "alloc 15 mem 2", true),
        ("proc/net/sockstat", "UDP: inuse 4", "UDP: inuse 3", true),
        ("proc/net/sockstat", "alloc 14 mem 2", "alloc 14 mem 9", false),
        ("proc/net/snmp", " 7 ", " 8 ", true),
    ])
    func thePortsAreReadAgainWhenACountMoves(
        _ path: String, _ old: String, _ new: String, _ isReadAgain: Bool
    ) {
        var sampler = portSampler()
        #expect(sampler.sample().ports.count == 6)
        fake.write("proc/net/udp6", "heading\n")
        for _ in 0..<3 {
            fake.pass(seconds: 10)
            #expect(sampler.sample().ports.count == 6, "no count moved")
        }
        let text = String(decoding: fake.read(path), as: UTF8.self)
        #expect(text.contains(old))
        fake.write(path, text.replacing(old, with: new))
        fake.pass(seconds: 10)
        #expect(sampler.sample().ports.count == (isReadAgain ? 5 : 6))
        fake.pass(seconds: 30)
        #expect(sampler.sample().ports.count == 5, "whatever the counts say, once a minute")
    }

    @Test func thePortsAreReadAgainWhenAHolderLetsGo() {
        var sampler = portSampler()
        #expect(sampler.sample().ports.map(\.pid) == [777, nil, 777, nil, 1, nil])
        fake.write("proc/net/udp6", "heading\n")
        fake.remove("proc/777/fd/4")
        fake.pass(seconds: 10)
        #expect(sampler.sample().ports.map(\.pid) == [777, nil, nil, nil, 1])
        // And then it is quiet again.
        fake.write("proc/net/tcp6", "heading\n")
        fake.pass(seconds: 10)
        #expect(sampler.sample().ports.count == 5)
    }
}
