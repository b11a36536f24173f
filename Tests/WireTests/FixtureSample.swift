@testable import Wire

/// The sample of Tests/Fixtures/wire-golden/metrics.json: every family, with values that tell one
/// field from another.
enum FixtureSample {
    static func make() -> MetricsSample {
        var sample = MetricsSample()
        sample.wallMilliseconds = GoldenTests.wall
        sample.monotonicNanoseconds = 86_400_123_456_789
        sample.costMicroseconds = 312
        sample.cpu = cpu()
        sample.memory = memory()
        sample.fileSystems = [fileSystem()]
        sample.disks = [disk()]
        sample.interfaces = [interface()]
        sample.load = load()
        sample.pressure = [pressure("cpu"), pressure("memory"), pressure("io")]
        sample.system = system()
        sample.tcpStates = [
            TCPStateCount(state: "ESTABLISHED", count: 12),
            TCPStateCount(state: "LISTEN", count: 7),
        ]
        sample.processes = [process()]
        sample.ports = ports()
        sample.agent = agent()
        sample.probeErrors = [ProbeError(probe: "temperature", reason: "ENOENT (No such file)")]
        return sample
    }

    private static func cpu() -> CPUSample {
        var modes = CPUModes()
        (modes.user, modes.nice, modes.system, modes.idle) = (123_456, 12, 45_678, 9_876_543)
        (modes.ioWait, modes.irq, modes.softIRQ, modes.steal) = (321, 1, 432, 5)
        var cpu = CPUSample()
        cpu.usagePercent = 12.346
        cpu.modes = modes
        cpu.cores = [
            .init(number: 0, usagePercent: 20.5, modes: modes),
            .init(number: 2, usagePercent: 4, modes: CPUModes()),
        ]
        return cpu
    }

    private static func memory() -> MemorySample {
        var memory = MemorySample()
        (memory.totalKiB, memory.usedKiB, memory.freeKiB) = (2_048_000, 512_000, 1_024_000)
        (memory.availableKiB, memory.buffersKiB, memory.cachedKiB) = (1_536_000, 32_768, 400_000)
        (memory.swapTotalKiB, memory.swapUsedKiB) = (1_048_572, 2048)
        return memory
    }

    private static func fileSystem() -> FileSystemSample {
        var fileSystem = FileSystemSample()
        (fileSystem.mountPoint, fileSystem.device, fileSystem.type) = ("/", "/dev/vda1", "ext4")
        (fileSystem.totalBytes, fileSystem.usedBytes) = (21_474_836_480, 5_368_709_121)
        (fileSystem.availableBytes, fileSystem.inodes) = (15_032_385_536, 1_310_720)
        fileSystem.inodesUsed = 65_432
        return fileSystem
    }

    private static func disk() -> DiskSample {
        var disk = DiskSample()
        disk.name = "vda"
        (disk.readOperations, disk.readBytes, disk.readMilliseconds) = (10_001, 409_640_960, 2002)
        (disk.writeOperations, disk.writeBytes, disk.writeMilliseconds) = (
            20_002, 819_281_920, 4004
        )
        disk.busyMilliseconds = 5005
        (disk.readBytesPerSecond, disk.writeBytesPerSecond) = (4096, 8192.5)
        (disk.readOperationsPerSecond, disk.writeOperationsPerSecond) = (1, 2.25)
        (disk.readLatencyMilliseconds, disk.writeLatencyMilliseconds) = (0.2, 1.125)
        disk.utilizationPercent = 3.5
        return disk
    }

    private static func interface() -> InterfaceSample {
        var interface = InterfaceSample()
        (interface.name, interface.isUp, interface.macAddress) = ("eth0", true, "52:54:00:12:34:56")
        interface.addresses = ["192.168.122.10", "fe80::5054:ff:fe12:3456"]
        (interface.bytesReceived, interface.bytesSent) = (1_234_567, 7_654_321)
        (interface.packetsReceived, interface.packetsSent) = (1234, 4321)
        (interface.errorsIn, interface.errorsOut) = (1, 2)
        (interface.droppedIn, interface.droppedOut) = (3, 4)
        (interface.receivedBytesPerSecond, interface.sentBytesPerSecond) = (100.5, 200.25)
        return interface
    }

    private static func load() -> LoadSample {
        var load = LoadSample()
        (load.oneMinute, load.fiveMinutes, load.fifteenMinutes) = (0.42, 0.37, 0.3)
        (load.runnable, load.threads) = (2, 145)
        return load
    }

    private static func pressure(_ resource: String) -> PressureSample {
        var pressure = PressureSample()
        pressure.resource = resource
        (pressure.someAverage10, pressure.someAverage60, pressure.someAverage300) = (
            1.1, 0.61, 0.01
        )
        (pressure.fullAverage10, pressure.fullAverage60, pressure.fullAverage300) = (0.5, 0.25, 0)
        (pressure.someTotalMicroseconds, pressure.fullTotalMicroseconds) = (987_654, 123_456)
        return pressure
    }

    private static func system() -> SystemSample {
        var system = SystemSample()
        (system.uptimeSeconds, system.hostname) = (86_400, "fixture-host")
        (system.name, system.osVersion) = ("Debian GNU/Linux", "12")
        (system.kernelVersion, system.architecture) = ("6.1.0-28-amd64", "x86_64")
        system.cgroup = "/system.slice/vireod.service"
        return system
    }

    private static func process() -> ProcessSample {
        var process = ProcessSample()
        (process.pid, process.parentPID, process.name) = (1, 0, "systemd")
        (process.executablePath, process.commandLine) = (
            "/usr/lib/systemd/systemd", "/sbin/init \"a\""
        )
        (process.cpuPercent, process.memoryKiB, process.status) = (0.125, 12_345, "sleeping")
        process.startedWallMilliseconds = 1_795_437_000_010
        return process
    }

    private static func ports() -> [ListeningPort] {
        var ssh = ListeningPort()
        (ssh.port, ssh.proto, ssh.address, ssh.state) = (22, "tcp", "0.0.0.0", "LISTEN")
        (ssh.pid, ssh.processName, ssh.executablePath) = (612, "sshd", "/usr/sbin/sshd")
        ssh.connections = 1
        var hidden = ListeningPort()
        (hidden.port, hidden.proto, hidden.address, hidden.state) = (323, "udp6", "::1", "UNCONN")
        return [ssh, hidden]
    }

    private static func agent() -> AgentSample {
        var agent = AgentSample()
        (agent.engine, agent.framesReceived, agent.framesSent) = ("uring", 12, 3456)
        (agent.bytesReceived, agent.bytesSent, agent.metricsDropped) = (1234, 7_654_321, 3)
        (agent.framesRefused, agent.hostArrivals, agent.portOpens) = (2, 5, 1)
        (agent.residentKiB, agent.cpuMilliseconds) = (8123, 432)
        return agent
    }
}
