import Foundation
import Kernel
import Testing
import Wire

@testable import Probes

/// A Debian 12 guest as a tree of files, and every value that has to come of it.
struct FixtureTests {
    private let fake = FakeMachine()

    private func sample() -> MetricsSample {
        var sampler = fake.sampler()
        return sampler.sample()
    }

    @Test func nothingFailsButTheMountThatDoesNotAnswer() {
        fake.spaces["/mnt/nfs"] = nil
        let sample = sample()
        #expect(
            sample.probeErrors == [
                ProbeError(
                    probe: "filesystems",
                    reason: "/mnt/nfs: EACCES (Permission denied); it is left out")
            ])
        #expect(sample.fileSystems.map(\.mountPoint).contains("/srv"))
        #expect(!sample.fileSystems.map(\.mountPoint).contains("/mnt/nfs"))
    }

    @Test func stampsBothClocksAndItsCost() {
        let sample = sample()
        #expect(sample.wallMilliseconds == 1_770_005_000_500)
        #expect(sample.monotonicNanoseconds == 1_000_000_000_000)
        #expect(sample.costMicroseconds > 0)
        #expect(sample.probeErrors.isEmpty)
    }

    @Test func cpu() throws {
        let cpu = try #require(sample().cpu)
        var total = CPUModes()
        (total.user, total.nice, total.system, total.idle) = (10000, 200, 3000, 80000)
        (total.ioWait, total.irq, total.softIRQ, total.steal) = (500, 10, 290, 60)
        #expect(cpu.modes == total)
        #expect(cpu.usagePercent == 13560.0 / 94060 * 100)
        #expect(cpu.cores.map(\.number) == [0, 1])
        var core = CPUModes()
        (core.user, core.nice, core.system, core.idle) = (5000, 100, 1500, 40000)
        (core.ioWait, core.irq, core.softIRQ, core.steal) = (250, 5, 145, 30)
        #expect(cpu.cores.map(\.modes) == [core, core])
        #expect(cpu.cores[1].usagePercent == cpu.usagePercent)
    }

    @Test func memory() {
        var memory = MemorySample()
        memory.totalKiB = 4_017_004
        memory.usedKiB = 1_100_000
        memory.freeKiB = 812_345
        memory.availableKiB = 2_917_004
        memory.buffersKiB = 101_010
        memory.cachedKiB = 1_802_020
        memory.swapTotalKiB = 998_396
        memory.swapUsedKiB = 98_396
        #expect(sample().memory == memory)
    }

    @Test func memoryInAnotherUnitIsRefused() {
        let text = String(decoding: fake.read("proc/meminfo"), as: UTF8.self)
        fake.write("proc/meminfo", text.replacing("4017004 kB", with: "4017004 MB"))
        let sample = sample()
        #expect(sample.failed("memory"))
        #expect(sample.memory == nil)
    }

    @Test func load() {
        var load = LoadSample()
        (load.oneMinute, load.fiveMinutes, load.fifteenMinutes) = (0.52, 1.07, 10)
        (load.runnable, load.threads) = (3, 412)
        #expect(sample().load == load)
    }

    @Test func pressure() {
        var cpu = PressureSample()
        cpu.resource = "cpu"
        (cpu.someAverage10, cpu.someAverage60, cpu.someAverage300) = (1.25, 0.8, 0.31)
        cpu.someTotalMicroseconds = 7_856_374
        var memory = PressureSample()
        memory.resource = "memory"
        (memory.someAverage10, memory.someAverage60, memory.someAverage300) = (0, 0.1, 0.2)
        (memory.fullAverage10, memory.fullAverage60, memory.fullAverage300) = (0, 0.05, 0.07)
        (memory.someTotalMicroseconds, memory.fullTotalMicroseconds) = (1200, 900)
        var io = PressureSample()
        io.resource = "io"
        (io.someAverage10, io.someAverage60, io.someAverage300) = (12.34, 5, 2.5)
        (io.fullAverage10, io.fullAverage60, io.fullAverage300) = (11.11, 4, 2)
        (io.someTotalMicroseconds, io.fullTotalMicroseconds) = (4_924_389, 4_513_863)
        #expect(sample().pressure == [cpu, memory, io])
    }

    @Test func aKernelWithoutPressureIsNoFailure() {
        fake.remove("proc/pressure")
        let sample = sample()
        #expect(sample.pressure.isEmpty)
        #expect(sample.probeErrors.isEmpty)
    }

    @Test func aKernelBefore5_13HasNoFullPressureOfTheCPU() {
        fake.write("proc/pressure/cpu", "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n")
        let sample = sample()
        #expect(sample.pressure.map(\.someTotalMicroseconds) == [4, 1200, 4_924_389])
        #expect(sample.probeErrors.isEmpty)
    }

    @Test func system() throws {
        let system = try #require(sample().system)
        #expect(system.uptimeSeconds == 5000)
        #expect(system.hostname == "debian12")
        #expect(system.name == "Debian GNU/Linux")
        #expect(system.osVersion == "12")
        #expect(system.kernelVersion == "6.1.0-18-amd64")
        #expect(system.architecture == "x86_64")
        #expect(system.cgroup == "/system.slice/vireod.service")
    }

    @Test(arguments: [
        ("NAME=Arch\nVERSION_ID=''\n", "Arch", ""),
        (
            "# NAME=no\nNAME='It is $HOME \"x\"'\nVERSION_ID=\"1\\\"2\\$3\"", "It is $HOME \"x\"",
            "1\"2$3"
        ),
        ("NAME='a\\b'\nVERSION_ID=a\\b\n", "a\\b", "ab"),
        ("", "Linux", ""),
    ])
    func releaseFilesAreReadAsAShellWould(_ text: String, _ name: String, _ version: String) throws
    {
        fake.write("etc/os-release", text)
        let system = try #require(sample().system)
        #expect(system.name == name)
        #expect(system.osVersion == version)
    }

    @Test func aMachineWithoutAReleaseFileIsLinux() throws {
        fake.remove("etc/os-release")
        let sample = sample()
        #expect(sample.system?.name == "Linux")
        #expect(sample.probeErrors.isEmpty)
    }

    @Test func cgroupOfVersion1IsSystemds() {
        fake.write("proc/self/cgroup", "9:name=systemd:/a:b\n4:memory:/m\n1:cpu,cpuacct:/c\n")
        #expect(sample().system?.cgroup == "/a:b")
    }

    @Test func disks() {
        let disks = sample().disks
        #expect(disks.map(\.name) == ["vda", "nvme0n1", "dm-0", "cciss/c0d0"])
        #expect(disks[0].readOperations == 20000)
        #expect(disks[0].readBytes == 1_600_000 * 512)
        #expect(disks[0].readMilliseconds == 30000)
        #expect(disks[0].writeOperations == 10000)
        #expect(disks[0].writeBytes == 800_000 * 512)
        #expect(disks[0].writeMilliseconds == 20000)
        #expect(disks[0].busyMilliseconds == 25000)
        #expect(disks[0].utilizationPercent == 0)
        #expect(disks[3].writeOperations == 2)
    }

    @Test func interfaces() {
        let interfaces = sample().interfaces
        #expect(interfaces.map(\.name) == ["lo", "eth0", "docker0", "tun0"])
        #expect(interfaces.map(\.isUp) == [true, true, false, true])
        #expect(
            interfaces.map(\.macAddress) == ["", "52:54:00:12:34:56", "02:42:ac:11:00:01", ""])
        #expect(interfaces[0].addresses == ["127.0.0.1", "::1"])
        #expect(
            interfaces[1].addresses == [
                "192.0.2.10", "192.0.2.11", "2001:db8::8:800:2020:c41", "fe80::5054:ff:fe12:3456",
            ])
        #expect(interfaces[2].addresses.isEmpty)
        let eth0 = interfaces[1]
        #expect([eth0.bytesReceived, eth0.bytesSent] == [161_057_418, 172_786])
        #expect([eth0.packetsReceived, eth0.packetsSent] == [4026, 2088])
        #expect([eth0.errorsIn, eth0.errorsOut, eth0.droppedIn, eth0.droppedOut] == [1, 7, 2, 8])
        #expect(eth0.receivedBytesPerSecond == 0)
        #expect(interfaces[3].bytesReceived == 5_000_000_000)
        #expect(interfaces[3].bytesSent == .max)
    }

    @Test func tcpStatesFromTheTables() {
        #expect(
            sample().tcpStates == [
                TCPStateCount(state: "ESTABLISHED", count: 3),
                TCPStateCount(state: "TIME_WAIT", count: 1),
                TCPStateCount(state: "CLOSE_WAIT", count: 1),
                TCPStateCount(state: "LISTEN", count: 4),
            ])
    }

    @Test func tcpStatesFromTheCountsWithoutPorts() {
        var sampler = fake.sampler(ports: false)
        let sample = sampler.sample()
        #expect(
            sample.tcpStates == [
                TCPStateCount(state: "ESTABLISHED", count: 7),
                TCPStateCount(state: "TIME_WAIT", count: 3),
            ])
        #expect(sample.ports.isEmpty)
    }

    @Test func ports() {
        let ports = sample().ports
        let rows = ports.map {
            "\($0.proto) \($0.address) \($0.port) \($0.state) \($0.connections)"
        }
        #expect(
            rows == [
                "tcp 0.0.0.0 22 LISTEN 2", "tcp 127.0.0.1 631 LISTEN 0", "tcp6 :: 22 LISTEN 2",
                "tcp6 ::1 631 LISTEN 0", "udp 0.0.0.0 68 UNCONN 0",
                "udp6 fe80::5054:ff:fe12:3456 546 UNCONN 0",
            ])
        #expect(ports.map(\.pid) == [777, nil, 777, nil, 1, nil])
        #expect(ports.map(\.processName) == ["sshd", nil, "sshd", nil, "systemd", nil])
        #expect(ports[0].executablePath == "/usr/sbin/sshd")
        #expect(ports[1].executablePath == nil)
    }

    @Test func socketsOfOneProcessOnOnePortAreOneRow() {
        // Two workers of one server, each with a socket of its own; one more that nobody is seen
        // with.
        let lines = String(decoding: fake.read("proc/net/tcp"), as: UTF8.self)
        let first = lines.split(separator: "\n")[1]
        let more = [1001, 1101, 1102].map { first.replacing(" 1001 ", with: " \($0) ") + "\n" }
        fake.write("proc/net/tcp", "heading\n" + more.joined())
        let link = fake.url("proc/777/fd/5").path
        #expect(symlink("socket:[1101]", link) == 0)
        let ports = sample().ports.filter { $0.proto == "tcp" }
        #expect(ports.map(\.pid) == [777, nil])
    }

    @Test func aMachineWithoutIPv6IsNoFailure() {
        for path in ["tcp6", "udp6", "if_inet6"] { fake.remove("proc/net/\(path)") }
        let sample = sample()
        #expect(sample.probeErrors.isEmpty)
        #expect(sample.ports.map(\.proto) == ["tcp", "tcp", "udp"])
        #expect(sample.interfaces[0].addresses == ["127.0.0.1"])
    }

    @Test func processes() {
        let processes = sample().processes
        // Since their start: 901 0.5 of 0.55 s, 900 50 of 1000 s, ...
        #expect(processes.map(\.pid) == [901, 900, 1, 777, 902, 2])
        #expect(processes.map(\.parentPID) == [777, 777, 0, 1, 1, 0])
        #expect(
            processes.map(\.name) == [
                "python3", "a) R 1 (b", "systemd", "sshd", "defunct", "kthreadd",
            ]
        )
        #expect(
            processes.map(\.status) == [
                "running", "disk-sleep", "sleeping", "sleeping", "zombie", "idle",
            ])
        #expect(processes.map(\.memoryKiB) == [36000, 2000, 12000, 8800, 0, 0])
        #expect(
            processes.map(\.commandLine) == [
                "python3 -c print('grüß') \u{FFFD}", "./a) R 1 (b -x  y",
                "/lib/systemd/systemd --system --deserialize=34",
                "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "", "",
            ])
        #expect(
            processes.map(\.executablePath) == [
                nil, "/home/u/a) R 1 (b (deleted)", "/usr/lib/systemd/systemd", "/usr/sbin/sshd",
                nil,
                nil,
            ])
        #expect(processes[0].cpuPercent == 50.0 / 100 * 100)
        #expect(abs(processes[1].cpuPercent - 5) < 0.01)
        #expect(processes[0].startedWallMilliseconds == 1_770_000_000_000 + 4_999_500)
    }

    @Test func onlyAsManyProcessesAsAskedFor() {
        var two = fake.sampler(processesMax: 2)
        #expect(two.sample().processes.map(\.pid) == [901, 900])
        var none = fake.sampler(processesMax: 0)
        #expect(none.sample().processes.isEmpty)
    }

    @Test func agent() {
        var agent = AgentSample()
        agent.residentKiB = 10000
        agent.cpuMilliseconds = 4321
        #expect(sample().agent == agent)
    }

    @Test func fileSystems() {
        let all = sample().fileSystems
        #expect(
            all.map { "\($0.device) \($0.mountPoint) \($0.type)" } == [
                "/dev/vda1 / ext4", "/dev/vda15 /boot/efi vfat", "/dev/mapper/data-srv /srv ext4",
                "192.0.2.50:/export /mnt/nfs nfs4", "hostshare /mnt/with blank\ttab virtiofs",
            ])
        #expect(all[0].totalBytes == 20 << 30)
        #expect(all[0].usedBytes == 15 << 30)
        #expect(all[0].availableBytes == 4 << 30)
        #expect([all[0].inodes, all[0].inodesUsed] == [1000, 100])
    }
}
