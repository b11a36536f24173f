import Foundation
import Glibc
import Kernel
import Testing
import Wire

@testable import Probes

/// Processes and sockets of this machine, against what ps and the sockets themselves say.
@Suite(.serialized)
struct LiveProcessTests {
    /// A child of a thread that blocks signals blocks them too, SIGTERM among them.
    private func end(_ child: Process) {
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
    }

    /// The file of a process that has ended stands for the files of all devices that are unplugged.
    @Test func aDescriptorThatWentDeadIsOpenedAnew() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sleep")
        child.arguments = ["61.5"]
        try child.run()
        let link = FileManager.default.temporaryDirectory
            .appendingPathComponent("vireo-link-\(UUID().uuidString)").path
        defer { unlink(link) }
        #expect(symlink("/proc/\(child.processIdentifier)", link) == 0)
        var reader = FileReader()
        let stat = ProbeFile(link + "/stat")
        #expect(try stat.read(&reader).byteCount > 0)
        #expect(try stat.read(&reader).byteCount > 0)
        #expect(!stat.wasReplaced)
        end(child)
        #expect(throws: ProbeFailure(path: link + "/stat", cause: .system(.notFound))) {
            _ = try stat.read(&reader).byteCount
        }
        unlink(link)
        #expect(symlink("/proc/self", link) == 0)
        #expect(try stat.read(&reader).byteCount > 0)
        // Opened while the one was alive, read when the name stood for another.
        let second = Process()
        second.executableURL = child.executableURL
        second.arguments = child.arguments
        try second.run()
        unlink(link)
        #expect(symlink("/proc/\(second.processIdentifier)", link) == 0)
        let other = ProbeFile(link + "/stat")
        #expect(try other.read(&reader).byteCount > 0)
        end(second)
        unlink(link)
        #expect(symlink("/proc/self", link) == 0)
        #expect(try other.read(&reader).byteCount > 0)
        #expect(other.wasReplaced)
    }

    @Test func aProcessIsWhatPsSays() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sleep")
        child.arguments = ["61.25"]
        try child.run()
        defer { end(child) }
        usleep(100_000)
        var sampler = Sampler(options: ProbeOptions(processesMax: 65_536, ports: false))
        let pid = UInt32(child.processIdentifier)
        let row = try #require(sampler.sample().processes.first { $0.pid == pid })
        let columns = "pid=,ppid=,rss=,stat=,comm="
        let text = try output("ps", "-o", columns, "-p", "\(pid)")
        let fields = text.split(whereSeparator: { " \n".contains($0) }).map(String.init)
        #expect(["\(row.pid)", "\(row.parentPID)"] == fields[..<2])
        #expect(abs(Double(row.memoryKiB) - Double(fields[2])!) < 1024)
        #expect(row.status == "sleeping" && fields[3].hasPrefix("S"))
        #expect(row.name == "sleep" && fields[4] == "sleep")
        #expect(row.commandLine == "/bin/sleep 61.25")
        #expect(row.executablePath == linkTarget("/proc/\(pid)/exe"))
        let started = try output("date", "+%s", "-d", output("ps", "-o", "lstart=", "-p", "\(pid)"))
        let seconds = Double(started.split(separator: "\n")[0])!
        #expect(abs(Double(row.startedWallMilliseconds) / 1000 - seconds) < 1.5)
    }

    @Test func aProcessThatSpinsUsesWhatItsOwnCounterSays() throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sh")
        child.arguments = ["-c", "while :; do :; done"]
        try child.run()
        defer { end(child) }
        let pid = UInt32(child.processIdentifier)
        /// Hundredths of a second that it ran, and when that was read.
        func used() throws -> (ticks: Double, at: MonotonicTime) {
            let fields = try file("/proc/\(pid)/stat")[0]
            return (Double(fields[13])! + Double(fields[14])!, .now)
        }
        var sampler = Sampler(options: ProbeOptions(processesMax: 65_536, ports: false))
        let beforeFirst = try used()
        _ = sampler.sample()
        let afterFirst = try used()
        usleep(1_000_000)
        let beforeSecond = try used()
        let row = try #require(sampler.sample().processes.first { $0.pid == pid })
        let afterSecond = try used()
        // However long a busy machine takes, what the sampler read lies between these.
        let least =
            (beforeSecond.ticks - afterFirst.ticks) / afterSecond.at.seconds(since: beforeFirst.at)
        let most =
            (afterSecond.ticks - beforeFirst.ticks) / beforeSecond.at.seconds(since: afterFirst.at)
        #expect(row.cpuPercent > 0)
        #expect((least - 1...most + 1).contains(row.cpuPercent))
    }

    @Test func aListeningSocketIsFoundWithItsHolder() throws {
        // Or what other tests start meanwhile would hold them, too.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let listener = socket(AF_INET, kind, 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let client = socket(AF_INET, kind, 0)
        defer { close(client) }
        withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            #expect(bind(listener, pointer, size) == 0)
            #expect(listen(listener, 1) == 0)
            #expect(getsockname(listener, pointer, &size) == 0)
            #expect(connect(client, pointer, size) == 0)
        }
        let port = UInt16(bigEndian: address.sin_port)
        var sampler = Sampler(options: ProbeOptions(processesMax: 0, ports: true))
        let sample = sampler.sample()
        let row = try #require(sample.ports.first { $0.port == port && $0.proto == "tcp" })
        #expect(row.address == "127.0.0.1")
        #expect(row.state == "LISTEN")
        #expect(row.pid == UInt32(getpid()))
        #expect(row.executablePath == linkTarget("/proc/self/exe"))
        let name = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8)
        #expect(row.processName.map { $0 + "\n" } == name)
        #expect(row.connections == 1)
        let established = sample.tcpStates.first { $0.state == "ESTABLISHED" }
        #expect(try #require(established).count >= 2)
        var counted = Sampler(options: ProbeOptions(processesMax: 0, ports: false))
        #expect(counted.sample().tcpStates[0].count >= 2)
    }
}
