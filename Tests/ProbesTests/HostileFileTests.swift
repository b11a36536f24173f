import Foundation
import Kernel
import TestSupport
import Testing
import Wire

@testable import Probes

/// Files that say what no kernel says: whatever comes of them is sane, or an error.
struct HostileFileTests {
    private let fake = FakeMachine()

    /// Fails unless every figure is one that can be.
    private func expectSane(_ sample: MetricsSample, _ place: Comment) {
        var shares: [Double] = sample.disks.map(\.utilizationPercent)
        var rates = sample.disks.flatMap {
            [
                $0.readBytesPerSecond, $0.writeBytesPerSecond, $0.readOperationsPerSecond,
                $0.writeOperationsPerSecond, $0.readLatencyMilliseconds,
                $0.writeLatencyMilliseconds,
            ]
        }
        if let cpu = sample.cpu {
            shares += [cpu.usagePercent] + cpu.cores.map(\.usagePercent)
            // These two add up all modes, and trap when that does not fit.
            _ = (cpu.modes.busy, cpu.cores.map(\.modes.busy))
        }
        for pressure in sample.pressure {
            shares += [pressure.someAverage10, pressure.someAverage60, pressure.someAverage300]
            shares += [pressure.fullAverage10, pressure.fullAverage60, pressure.fullAverage300]
        }
        rates += sample.interfaces.flatMap { [$0.receivedBytesPerSecond, $0.sentBytesPerSecond] }
        rates += sample.processes.map(\.cpuPercent)
        if let load = sample.load { rates += [load.oneMinute, load.fiveMinutes] }
        if !shares.allSatisfy({ $0 >= 0 && $0 <= 100 }) { Issue.record(place) }
        if !rates.allSatisfy({ $0 >= 0 && $0.isFinite }) { Issue.record(place) }
        if sample.probeErrors.count > 9 * 12 { Issue.record(place) }
    }

    /// In every file every number by numbers that are too large, negative, or none.
    @Test(arguments: FakeMachine.files(below: FakeMachine.fixture("proc-debian12")))
    func everyNumberMayBeAnyOther(_ path: String) {
        var sampler = fake.sampler()
        let bytes = fake.read(path)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        var start = 0
        while start < bytes.count {
            guard digits.contains(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            while end < bytes.count, digits.contains(bytes[end]) { end += 1 }
            for number in [
                "18446744073709551615", "1152921504606846976", "-1", "0", "1.5", "", "x",
            ] {
                fake.write(path, bytes[..<start] + Array(number.utf8) + bytes[end...])
                fake.pass(seconds: 100)
                expectSane(sampler.sample(), "\(path) at \(start): \(number)")
            }
            start = end
        }
        fake.write(path, bytes)
        fake.pass(seconds: 100)
        #expect(sampler.sample().probeErrors.isEmpty)
    }

    @Test func anyBytesAtAll() {
        var generator = SeededRandom()
        var sampler = fake.sampler()
        let paths = FakeMachine.files(below: FakeMachine.fixture("proc-debian12"))
        for round in 0..<3000 {
            let path = paths.randomElement(using: &generator)!
            let bytes = fake.read(path)
            fake.write(path, spoilt(bytes, &generator))
            fake.pass(seconds: .random(in: 0...20, using: &generator))
            expectSane(sampler.sample(), "VIREO_SEED=\(generator.seed), round \(round), \(path)")
            fake.write(path, bytes)
        }
        fake.pass(seconds: 100)
        #expect(sampler.sample().probeErrors.isEmpty, "VIREO_SEED=\(generator.seed)")
    }

    /// A few bytes changed, lost, doubled or added.
    private func spoilt(_ bytes: [UInt8], _ generator: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            let end = min(bytes.count, place + .random(in: 0...40, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 2: bytes.insert(.random(in: 0...255, using: &generator), at: place)
            case 3: bytes.insert(UInt8(ascii: "\n"), at: place)
            case 4: bytes.insert(contentsOf: "99999999999".utf8, at: place)
            default:
                for index in place..<end { bytes[index] = .random(in: 0...255, using: &generator) }
            }
        }
        return bytes
    }

    // MARK: Names

    @Test(arguments: ["..", ".", "../../x", "a/b", "sixteen-bytes-xy", "", "\u{0}"])
    func namesOfInterfacesNeverLeadElsewhere(_ name: String) {
        fake.create("sys/class/operstate", "up\n")
        fake.create("sys/class/net/x/operstate", "up\n")
        fake.write("proc/net/dev", "a\nb\n\(name): 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n")
        var sampler = fake.sampler()
        let sample = sampler.sample()
        #expect(sample.failed("network"))
        #expect(sample.interfaces.isEmpty)
    }

    @Test(arguments: ["..", ".", "../class"])
    func namesOfDisksNeverLeadElsewhere(_ name: String) {
        fake.write("proc/diskstats", "1 1 \(name) 1 1 1 1 1 1 1 1 1 1 1\n")
        var sampler = fake.sampler()
        #expect(sampler.sample().disks.isEmpty)
    }

    @Test func anInterfaceWithoutItsStateIsDownAndReported() {
        fake.remove("sys/class/net/eth0")
        var sampler = fake.sampler()
        let sample = sampler.sample()
        #expect(sample.interfaces.map(\.isUp) == [true, false, false, true])
        #expect(sample.interfaces[1].bytesReceived == 161_057_418)
        #expect(sample.probeErrors.map(\.probe) == ["network"])
    }

    @Test func anInterfaceThatIsReplacedIsLookedAtAnew() {
        var sampler = fake.sampler()
        _ = sampler.sample()
        let lines = String(decoding: fake.read("proc/net/dev"), as: UTF8.self)
        fake.write("proc/net/dev", lines.replacing("  eth0:", with: "  eth9:"))
        fake.create("sys/class/net/eth9/operstate", "down\n")
        let sample = sampler.sample()
        #expect(sample.interfaces.map(\.name) == ["lo", "eth9", "docker0", "tun0"])
        #expect(sample.interfaces[1].isUp == false)
        #expect(sample.interfaces[1].addresses.isEmpty)
    }

    @Test func withoutSysfsNoDiskCanBeTold() {
        fake.remove("sys/block")
        var sampler = fake.sampler()
        #expect(sampler.sample().probeErrors.map(\.probe) == ["disks"])
        fake.create("sys/block/vda/size")
        let sample = sampler.sample()
        #expect(sample.disks.map(\.name) == ["vda"])
        #expect(sample.probeErrors.isEmpty)
    }

    @Test func withoutItsCgroupTheSystemIsStillThereAndTheErrorStays() {
        fake.remove("proc/self/cgroup")
        var sampler = fake.sampler()
        for _ in 0..<2 {
            let sample = sampler.sample()
            #expect(sample.probeErrors.map(\.probe) == ["system"])
            #expect(sample.system?.name == "Debian GNU/Linux")
            #expect(sample.system?.uptimeSeconds == 5000)
        }
    }

    @Test func withoutAddressesTheTrafficIsStillThereAndTheErrorStays() {
        fake.addressesFail = true
        var sampler = fake.sampler()
        #expect(sampler.sample().probeErrors.map(\.probe) == ["network"])
        let sample = sampler.sample()
        #expect(sample.probeErrors.map(\.probe) == ["network"])
        #expect(sample.interfaces[1].bytesReceived == 161_057_418)
        #expect(sample.interfaces[0].addresses == ["::1"])
    }

    // MARK: Too many

    @Test func rowsOverTheLimitAreCutAndReported() {
        let zeros = "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
        let devices = (0..<300).map { "v\($0): \(zeros)\n" }.joined()
        fake.write("proc/net/dev", "a\nb\n" + devices)
        let disks = (0..<300).map { " 8 0 sd\($0) 0 0 0 0 0 0 0 0 0 0 0\n" }.joined()
        fake.write("proc/diskstats", disks)
        for index in 0..<300 { fake.create("sys/block/sd\(index)/size") }
        let mounts = (0..<2000).map { "/dev/s\($0) /m\($0) ext4 rw 0 0\n" }.joined()
        fake.write("proc/self/mounts", mounts)
        for index in 0..<2000 {
            fake.spaces["/m\(index)"] = FakeMachine.gibibytes(1, free: 1, available: 1)
        }
        let rest = "00000000:0000 07 0:0 0:0 0 0 0 1 2 0 0"
        let sockets = (0..<1100).map {
            " \($0): 00000000:\(String(1000 + $0, radix: 16)) \(rest)\n"
        }
        fake.write("proc/net/udp", "heading\n" + sockets.joined())
        var sampler = fake.sampler()
        let sample = sampler.sample()
        #expect(sample.interfaces.count == 256)
        #expect(sample.disks.count == 256)
        #expect(sample.fileSystems.count == 256)
        #expect(sample.ports.count == 1024)
        let reasons = sample.probeErrors.map(\.reason)
        #expect(reasons.contains { $0.hasPrefix("44 of 300 interfaces left out") })
        #expect(reasons.contains { $0.hasPrefix("44 of 300 disks left out") })
        #expect(reasons.contains { $0.hasPrefix("1744 of 2000 mounts left out") })
        #expect(reasons.contains { $0.hasPrefix("81 of 1105 listening sockets left out") })
    }

    @Test func errorsOverTheLimitAreCounted() {
        fake.write(
            "proc/self/mounts", (0..<100).map { "/dev/s\($0) /m\($0) ext4 rw 0 0\n" }.joined())
        var sampler = fake.sampler()
        for _ in 0..<2 {
            let errors = sampler.sample().probeErrors
            #expect(errors.count == 9)
            #expect(errors.last?.reason == "92 more failures are not listed")
        }
    }

    @Test func moreCPUsThanTheKernelCanHaveAreRefused() {
        let line = " 1 1 1 1 1 1 1 1\n"
        fake.write("proc/stat", "cpu \(line)" + (0...8192).map { "cpu\($0)\(line)" }.joined())
        var sampler = fake.sampler()
        let sample = sampler.sample()
        #expect(sample.failed("cpu"))
        #expect(sample.cpu == nil)
    }
}
