import Kernel

/// A mounted file system whose space is worth reporting.
struct Mount: Equatable {
    var device: String
    var point: String
    var type: String
}

/// Which mounts stand on a device or on a network, one a device. Source: proc(5), /proc/PID/mounts.
struct MountTable {
    private(set) var mounts: [Mount] = []
    /// How many more there were than ``ProbeLimits/mountsMax``.
    private(set) var leftOut = 0

    init() {}

    init(_ bytes: RawSpan) throws(Malformed) {
        var lines = Fields(bytes)
        while var line = try lines.nextLine() {
            var device = try line.field()
            var pointField = try line.field()
            let point = pointField.unescapedText()
            let type = try line.field().text
            // The last one mounted on a place covers those before it.
            mounts.removeAll { $0.point == point }
            if Self.isReported(device, point: point, type: type) {
                add(Mount(device: device.unescapedText(), point: point, type: type))
            }
        }
        mounts = Self.oneADevice(mounts)
        leftOut += max(0, mounts.count - ProbeLimits.mountsMax)
        mounts.removeSubrange(min(mounts.count, ProbeLimits.mountsMax)...)
    }

    private mutating func add(_ mount: Mount) {
        if mounts.count < ProbeLimits.mountsConsideredMax {
            mounts.append(mount)
        } else {
            leftOut += 1
        }
    }

    /// Real devices, network file systems, and whatever the root is, such as a container's overlay.
    ///
    /// Loop devices hold the images of packages, which are always full. autofs is not asked: asking
    /// it would mount.
    private static func isReported(
        _ device: borrowing Fields, point: String, type: String
    ) -> Bool {
        if type == "autofs" || type == "rootfs" { return false }
        if point == "/" { return true }
        if device.starts(with: "/dev/loop") { return false }
        return device.starts(with: "/dev/") || shared.contains(type)
    }

    /// File systems of a host or a network, and those that name a pool and not a device.
    private static let shared = [
        "9p", "virtiofs", "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "afs", "lustre", "beegfs",
        "fuse.glusterfs", "fuse.sshfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "zfs", "bcachefs",
    ]

    /// A device mounted in several places is shown once, as df does: at its shortest path. A name
    /// without a slash, such as `none`, says nothing of what stands behind it.
    private static func oneADevice(_ mounts: [Mount]) -> [Mount] {
        var kept: [Mount] = []
        for mount in mounts {
            let place =
                mount.device.utf8.contains(UInt8(ascii: "/"))
                ? kept.firstIndex { $0.device == mount.device } : nil
            guard let place else {
                kept.append(mount)
                continue
            }
            if mount.point.utf8.count < kept[place].point.utf8.count { kept[place] = mount }
        }
        return kept
    }
}

extension Fields {
    /// The text with the kernel's octal escapes undone: `\040` is a blank.
    mutating func unescapedText() -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        var position = 0
        while position < byteCount {
            if let code = octalEscape(at: position) {
                bytes.append(code)
                position += 4
            } else {
                bytes.append(byte(position))
                position += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A backslash and three octal digits up to 377; anything else stands for itself.
    private func octalEscape(at position: Int) -> UInt8? {
        guard position + 4 <= byteCount, byte(position) == UInt8(ascii: "\\") else { return nil }
        var code: UInt16 = 0
        for place in position + 1...position + 3 {
            let digit = byte(place)
            guard digit >= 0x30, digit <= 0x37 else { return nil }
            code = code << 3 | UInt16(digit - 0x30)
        }
        return UInt8(exactly: code)
    }
}
