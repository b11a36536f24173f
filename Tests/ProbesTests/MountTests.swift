import Foundation
import Kernel
import Testing

@testable import Probes

/// Which lines of the table of mounts are reported, and under which names.
struct MountTests {
    private func mounts(_ lines: String) throws -> [String] {
        let bytes = Array(lines.utf8)
        return try MountTable(bytes.span.bytes).mounts.map { "\($0.device) \($0.point)" }
    }

    @Test(arguments: [
        ("/dev/sda1 / ext4", true), ("overlay / overlay", true), ("tmpfs / tmpfs", true),
        ("rootfs / rootfs", false), ("tmpfs /run tmpfs", false),
        ("overlay /var/lib/o overlay", false),
        ("/dev/loop3 /snap/x squashfs", false), ("/dev/loop3 / squashfs", true),
        ("tank/home /home zfs", true), ("share /mnt 9p", true), ("//nas/x /mnt cifs", true),
        ("x /mnt fuse.sshfs", true), ("x /mnt fuse.portal", false),
        ("/dev/sdb1 /mnt autofs", false),
        ("/dev/fuse /mnt fuse", true), ("cgroup2 /sys/fs/cgroup cgroup2", false),
        ("/device /mnt ext4", false),
    ])
    func devicesNetworksAndTheRootAreReported(_ line: String, _ isReported: Bool) throws {
        #expect(try mounts(line + " rw 0 0\n").isEmpty == !isReported)
    }

    @Test func aDeviceIsShownOnceAtItsShortestPath() throws {
        let lines = """
            /dev/sda1 /var/lib/docker/btrfs btrfs rw 0 0
            /dev/sda1 / btrfs rw 0 0
            /dev/sda1 /home btrfs rw 0 0
            /dev/sdb1 /srv ext4 rw 0 0

            """
        #expect(try mounts(lines) == ["/dev/sda1 /", "/dev/sdb1 /srv"])
    }

    @Test func namesThatSayNothingAreNoDevice() throws {
        let lines = "none /a virtiofs rw 0 0\nnone /b virtiofs rw 0 0\n"
        #expect(try mounts(lines) == ["none /a", "none /b"])
    }

    @Test func theLastOneOnAPlaceCoversTheOthers() throws {
        let covered = "/dev/sda1 /mnt ext4 rw 0 0\n/dev/sdb1 /mnt xfs rw 0 0\n"
        #expect(try mounts(covered) == ["/dev/sdb1 /mnt"])
        let hidden = "/dev/sda1 /mnt ext4 rw 0 0\ntmpfs /mnt tmpfs rw 0 0\n"
        #expect(try mounts(hidden).isEmpty)
    }

    @Test func escapesAreUndoneInBothNames() throws {
        let lines = #"/dev/disk\040one /a\040b\011c\012d\134e\043 ext4 rw 0 0"# + "\n"
        #expect(try mounts(lines) == ["/dev/disk one /a b\tc\nd\\e#"])
    }

    @Test func hostileNamesStayNames() throws {
        let lines = #"/dev/x /"};\033[2J\377"# + "\u{1b}[0m ext4 rw 0 0\n"
        #expect(try mounts(lines) == ["/dev/x /\"};\u{1b}[2J\u{FFFD}\u{1b}[0m"])
    }

    @Test(arguments: ["/dev/sda1\n", "/dev/sda1 /\n", "\n", "/dev/sda1 / ext4 rw 0 0"])
    func linesThatLackAFieldAreRefused(_ lines: String) {
        #expect(throws: Malformed.self) { try mounts(lines) }
    }

    @Test func fileSystemsWithoutASizeAreLeftOutAndImpossibleOnesClamped() {
        let fake = FakeMachine()
        fake.spaces["/boot/efi"] = FakeMachine.gibibytes(0, free: 0, available: 0)
        fake.spaces["/srv"] = FakeMachine.gibibytes(1, free: 2, available: 3)
        fake.spaces["/srv"]?.inodesFree = 2000
        var sampler = fake.sampler()
        let all = sampler.sample().fileSystems
        #expect(!all.contains { $0.mountPoint == "/boot/efi" })
        let impossible = all.first { $0.mountPoint == "/srv" }
        #expect(impossible?.usedBytes == 0)
        #expect(impossible?.inodesUsed == 0)
        #expect(multiplied(.max, by: 4096) == .max)
    }
}
