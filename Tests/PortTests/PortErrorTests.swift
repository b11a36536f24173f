import Kernel
import Port
import Testing

@Suite struct PortErrorTests {
    /// The document's table of common errors: what is said, and what to do.
    @Test(arguments: [
        (
            PortError.deviceNotFound(
                names: ["org.infinibay.agent"], others: ["com.redhat.spice.0"]),
            ["org.infinibay.agent", "com.redhat.spice.0", "modprobe virtio_console"]
        ),
        (.permissionDenied(path: "/dev/vport0p1"), ["/dev/vport0p1", "udev rule", "0660", "root"]),
        (
            .deviceBusy(path: "/dev/vport0p1", holder: PortHolder(pid: 42, command: "qemu-ga")),
            ["in use by qemu-ga (pid 42)"]
        ),
        (.deviceBusy(path: "/dev/vport0p1", holder: nil), ["fuser /dev/vport0p1"]),
        (.hostDisconnected(path: "/run/a.sock"), ["closed", "Reconnecting"]),
        (.messageTooLarge(bytes: 5, limit: 4), ["Split the message"]),
        (.portGone(path: "/dev/vport0p1"), ["unplugged"]),
        (.invalidName("../etc"), ["'../etc'", "1 to 64"]),
        (.connectionFailed(path: "/a", errno: .connectionRefused), ["ECONNREFUSED"]),
    ])
    func saysWhatIsWrongAndWhatToDo(_ error: PortError, _ parts: [String]) {
        for part in parts { #expect("\(error)".contains(part), "\(error)") }
        #expect(!error.remedy.isEmpty && error.code == error.code.uppercased())
    }

    @Test func namesAreOnlyWhatQEMUAllows() throws {
        for text in ["org.infinibay.agent", "a", "A-b_c.9", String(repeating: "x", count: 64)] {
            #expect(try PortName(text).text == text)
        }
        let bad = ["", "a/b", "..", ".", "a b", "é", "a\n", String(repeating: "x", count: 65)]
        for text in bad {
            #expect(throws: PortError.invalidName(text)) { try PortName(text) }
        }
        #expect(try PortName("org.qemu.guest_agent.0").isForeign)
        #expect(try PortName("com.redhat.spice.0").isForeign)
        #expect(PortName.defaults.allSatisfy { !$0.isForeign })
    }

    @Test func endpointsAreRead() throws {
        #expect(try PortEndpoint(parsing: "unix:/run/a.sock") == .socket("/run/a.sock"))
        #expect(try PortEndpoint(parsing: "fd:3") == .descriptor(3))
        #expect(try PortEndpoint(parsing: "/dev/vport0p1") == .device("/dev/vport0p1"))
        for text in ["", "unix:", "fd:", "fd:-1", "fd:x", "vport0p1"] {
            #expect(throws: PortError.invalidEndpoint(text)) { try PortEndpoint(parsing: text) }
        }
    }

    @Test func theBackOffDoublesToAMinuteWithATenthOfJitter() {
        var backOff = BackOff(random: FixedRandom(value: .max / 2))
        let now = MonotonicTime(nanoseconds: 0)
        let waits = (0..<9).map { _ in backOff.next(at: now) }
        #expect(waits.map { ($0 + 5) / 1000 } == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        var seen: Set<UInt64> = []
        for _ in 0..<200 {
            var other = BackOff()
            let first = other.next(at: now)
            #expect((900...1100).contains(first))
            seen.insert(first)
        }
        #expect(seen.count > 20, "no jitter")
    }

    @Test func aConnectionOfAMinuteResetsTheBackOff() {
        var backOff = BackOff(random: FixedRandom(value: .max / 2))
        var now = MonotonicTime(nanoseconds: 0)
        for _ in 0..<5 { _ = backOff.next(at: now) }
        backOff.connected(at: now)
        now = now.adding(milliseconds: 59_999)
        #expect(backOff.next(at: now) > 20_000)
        backOff.connected(at: now)
        now = now.adding(milliseconds: 60_000)
        #expect(backOff.next(at: now) < 1101)
    }
}

struct FixedRandom: RandomNumberGenerator, Sendable {
    let value: UInt64
    mutating func next() -> UInt64 { value }
}
