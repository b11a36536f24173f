import TestSupport
import Wire

/// Names that a hostile guest would choose.
let hostileNames = [
    "\u{1b}]0;owned\u{07}", "\u{1b}[2J\u{1b}[H", "a\rb\nc", "\u{202e}gnp.exe", "\u{2066}x\u{2069}",
    "\u{9b}31m", "\u{7f}\u{0}", "漢字漢字漢字", "e\u{301}\u{301}\u{301}\u{301}", "👨‍👩‍👧", "\u{2028}", "",
    String(repeating: "long", count: 2500),
]

/// A sample of a size and of figures that the seed decides, with names of every kind.
func makeSample(_ random: inout SeededRandom) -> MetricsSample {
    var sample = MetricsSample()
    func name() -> String { hostileNames.randomElement(using: &random)! }
    func number() -> UInt64 {
        UInt64.random(in: 0...(1 << UInt64.random(in: 0...60, using: &random)), using: &random)
    }
    func share() -> Double { Double.random(in: -5...900, using: &random) }
    func count(_ most: Int) -> Int { Int.random(in: 0...most, using: &random) }
    sample.wallMilliseconds = 1_790_000_000_000
    var cpu = CPUSample()
    cpu.usagePercent = share()
    cpu.cores = (0..<count(40)).map {
        CPUSample.Core(number: $0, usagePercent: share(), modes: CPUModes())
    }
    sample.cpu = count(5) == 0 ? nil : cpu
    var memory = MemorySample()
    memory.totalKiB = number()
    memory.usedKiB = number()
    memory.swapTotalKiB = number()
    sample.memory = count(5) == 0 ? nil : memory
    for _ in 0..<count(6) {
        var disk = FileSystemSample()
        (disk.mountPoint, disk.type, disk.totalBytes, disk.usedBytes) = (
            name(), name(), number(), number()
        )
        sample.fileSystems.append(disk)
        var device = DiskSample()
        (device.name, device.readBytesPerSecond, device.readLatencyMilliseconds) = (
            name(), share(), share()
        )
        sample.disks.append(device)
        var interface = InterfaceSample()
        (interface.name, interface.addresses) = (name(), [name()])
        (interface.receivedBytesPerSecond, interface.bytesSent) = (share() * 1e6, number())
        sample.interfaces.append(interface)
        var process = ProcessSample()
        (process.name, process.commandLine, process.pid) = (
            name(), name(), UInt32(truncatingIfNeeded: number())
        )
        (process.cpuPercent, process.memoryKiB) = (share(), number())
        sample.processes.append(process)
        var port = ListeningPort()
        (port.proto, port.address, port.processName) = (name(), name(), name())
        sample.ports.append(port)
        sample.probeErrors.append(ProbeError(probe: name(), reason: name()))
        sample.tcpStates.append(TCPStateCount(state: name(), count: number()))
    }
    var system = SystemSample()
    (system.hostname, system.name, system.kernelVersion) = (name(), name(), name())
    system.uptimeSeconds = number() >> 20
    sample.system = count(5) == 0 ? nil : system
    var agent = AgentSample()
    (agent.engine, agent.framesSent, agent.bytesSent) = (name(), number(), number())
    sample.agent = agent
    return sample
}
