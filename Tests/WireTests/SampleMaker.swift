import TestSupport

@testable import Wire

/// Samples with every family and awkward values in it, the same for the same seed.
struct SampleMaker {
    var generator: SeededRandom

    init(_ generator: SeededRandom = SeededRandom()) { self.generator = generator }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    mutating func number() -> UInt64 {
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: 0
        case 1: .max
        case 2: 1 << 53 + UInt64.random(in: 0...1, using: &generator)
        default:
            UInt64.random(in: 0...(.max), using: &generator)
                >> UInt64.random(in: 0...63, using: &generator)
        }
    }

    /// Thousandths, so that nothing is lost by rounding to three decimals.
    mutating func rate() -> Double {
        let scales: [Int64] = [1_000, 100_000, 1_000_000_000, 9_000_000_000_000_000]
        let scale = scales.randomElement(using: &generator)!
        return Double(Int64.random(in: 0...scale, using: &generator)) / 1000
    }

    mutating func text() -> String {
        let pieces = [
            "", "a", "postgres", "/usr/lib/x86_64-linux-gnu/", "\"", "\\", "\n", "\0", "\u{1F}",
            "\u{7F}", "é",
            "\u{2028}", "😀", "e\u{301}", "</script>", "{\"a\":[1]}", "x86", " ", "\u{FFFD}",
            "\u{10FFFF}",
        ]
        return (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            pieces.randomElement(using: &generator)!
        }.joined()
    }

    mutating func list<Element>(_ most: Int, _ make: (inout SampleMaker) -> Element) -> [Element] {
        (0..<Int.random(in: 0...most, using: &generator)).map { _ in make(&self) }
    }

    mutating func wall() -> Int64 {
        chance(20) ? 0 : Int64.random(in: RFC3339.range, using: &generator)
    }

    mutating func sample() -> MetricsSample {
        var sample = MetricsSample()
        sample.wallMilliseconds = wall()
        sample.monotonicNanoseconds = number()
        sample.costMicroseconds = number()
        if chance(80) { sample.cpu = cpu() }
        if chance(80) { sample.memory = memory() }
        sample.fileSystems = list(4) { $0.fileSystem() }
        sample.disks = list(4) { $0.disk() }
        sample.interfaces = list(4) { $0.interface() }
        if chance(80) { sample.load = load() }
        sample.pressure = ["cpu", "memory", "io"].prefix(Int.random(in: 0...3, using: &generator))
            .map {
                pressure($0)
            }
        if chance(80) { sample.system = system() }
        sample.tcpStates = ["ESTABLISHED", "LISTEN", "a \"state\""].map {
            TCPStateCount(state: $0, count: number())
        }
        sample.processes = list(6) { $0.process() }
        sample.ports = list(6) { $0.port() }
        if chance(80) { sample.agent = agent() }
        sample.probeErrors = list(2) { ProbeError(probe: $0.text(), reason: $0.text()) }
        return sample
    }

    mutating func modes() -> CPUModes {
        var modes = CPUModes()
        for path in [
            \CPUModes.user, \.nice, \.system, \.idle, \.ioWait, \.irq, \.softIRQ, \.steal,
        ] as [WritableKeyPath<CPUModes, UInt64>] { modes[keyPath: path] = number() }
        return modes
    }

    mutating func cpu() -> CPUSample {
        var cpu = CPUSample()
        cpu.usagePercent = rate()
        cpu.modes = modes()
        cpu.cores = list(4) {
            .init(
                number: Int.random(in: 0...8191, using: &$0.generator), usagePercent: $0.rate(),
                modes: $0.modes())
        }
        return cpu
    }

    mutating func memory() -> MemorySample {
        var memory = MemorySample()
        for path in [
            \MemorySample.totalKiB, \.usedKiB, \.freeKiB, \.availableKiB, \.buffersKiB, \.cachedKiB,
            \.swapTotalKiB, \.swapUsedKiB,
        ] as [WritableKeyPath<MemorySample, UInt64>] { memory[keyPath: path] = number() }
        return memory
    }

    mutating func fileSystem() -> FileSystemSample {
        var fileSystem = FileSystemSample()
        (fileSystem.mountPoint, fileSystem.device, fileSystem.type) = (text(), text(), text())
        for path in [
            \FileSystemSample.totalBytes, \.usedBytes, \.availableBytes, \.inodes, \.inodesUsed,
        ] as [WritableKeyPath<FileSystemSample, UInt64>] { fileSystem[keyPath: path] = number() }
        return fileSystem
    }

    mutating func disk() -> DiskSample {
        var disk = DiskSample()
        disk.name = text()
        for path in [
            \DiskSample.readOperations, \.readBytes, \.readMilliseconds, \.writeOperations,
            \.writeBytes, \.writeMilliseconds, \.busyMilliseconds,
        ] as [WritableKeyPath<DiskSample, UInt64>] { disk[keyPath: path] = number() }
        for path in [
            \DiskSample.readBytesPerSecond, \.writeBytesPerSecond, \.readOperationsPerSecond,
            \.writeOperationsPerSecond, \.readLatencyMilliseconds, \.writeLatencyMilliseconds,
            \.utilizationPercent,
        ] as [WritableKeyPath<DiskSample, Double>] { disk[keyPath: path] = rate() }
        return disk
    }

    mutating func interface() -> InterfaceSample {
        var interface = InterfaceSample()
        (interface.name, interface.macAddress, interface.isUp) = (text(), text(), chance(50))
        interface.addresses = list(3) { $0.text() }
        for path in [
            \InterfaceSample.bytesReceived, \.bytesSent, \.packetsReceived, \.packetsSent,
            \.errorsIn,
            \.errorsOut, \.droppedIn, \.droppedOut,
        ] as [WritableKeyPath<InterfaceSample, UInt64>] { interface[keyPath: path] = number() }
        (interface.receivedBytesPerSecond, interface.sentBytesPerSecond) = (rate(), rate())
        return interface
    }

    mutating func load() -> LoadSample {
        var load = LoadSample()
        (load.oneMinute, load.fiveMinutes, load.fifteenMinutes) = (rate(), rate(), rate())
        (load.runnable, load.threads) = (number(), number())
        return load
    }

    mutating func pressure(_ resource: String) -> PressureSample {
        var pressure = PressureSample()
        pressure.resource = resource
        for path in [
            \PressureSample.someAverage10, \.someAverage60, \.someAverage300, \.fullAverage10,
            \.fullAverage60, \.fullAverage300,
        ] as [WritableKeyPath<PressureSample, Double>] { pressure[keyPath: path] = rate() }
        (pressure.someTotalMicroseconds, pressure.fullTotalMicroseconds) = (number(), number())
        return pressure
    }

    mutating func system() -> SystemSample {
        var system = SystemSample()
        system.uptimeSeconds = number()
        for path in [
            \SystemSample.hostname, \.name, \.osVersion, \.kernelVersion, \.architecture, \.cgroup,
        ] as [WritableKeyPath<SystemSample, String>] { system[keyPath: path] = text() }
        return system
    }

    mutating func process() -> ProcessSample {
        var process = ProcessSample()
        process.pid = UInt32.random(in: 0...(.max), using: &generator)
        process.parentPID = UInt32.random(in: 0...(.max), using: &generator)
        (process.name, process.commandLine, process.status) = (text(), text(), text())
        if chance(50) { process.executablePath = text() }
        (process.cpuPercent, process.memoryKiB) = (rate(), number())
        process.startedWallMilliseconds = wall()
        return process
    }

    mutating func port() -> ListeningPort {
        var port = ListeningPort()
        port.port = UInt16.random(in: 0...(.max), using: &generator)
        (port.proto, port.address, port.state) = (text(), text(), text())
        if chance(50) { port.pid = UInt32.random(in: 0...(.max), using: &generator) }
        if chance(50) { port.processName = text() }
        if chance(50) { port.executablePath = text() }
        port.connections = number()
        return port
    }

    mutating func agent() -> AgentSample {
        var agent = AgentSample()
        agent.engine = text()
        for path in [
            \AgentSample.framesReceived, \.framesSent, \.bytesReceived, \.bytesSent,
            \.metricsDropped,
            \.framesRefused, \.hostArrivals, \.portOpens, \.residentKiB, \.cpuMilliseconds,
        ] as [WritableKeyPath<AgentSample, UInt64>] { agent[keyPath: path] = number() }
        return agent
    }
}
