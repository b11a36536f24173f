/// A mounted file system that stands on a block device and can be written to.
///
/// Source: proc(5), /proc/PID/mountinfo.
public struct BlockMount: Sendable, Hashable {
    /// `MAJOR:MINOR` of the file system: the same for every mount of it.
    public var device: String
    /// Where it is mounted.
    public var point: String
    public var type: String
    /// Such as `/dev/vda1`.
    public var source: String
    /// Whether the mount shows the file system from its root, and no part of it.
    public var isWhole: Bool

    public init(device: String, point: String, type: String, source: String, isWhole: Bool) {
        self.device = device
        self.point = point
        self.type = type
        self.source = source
        self.isWhole = isWhole
    }

    /// The mounts of a table, in its order. What is read-only needs no freezing.
    ///
    /// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL]... - TYPE SOURCE SUPER-OPTIONS`
    public static func parse(_ table: String) -> [BlockMount] {
        table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= 10, let mark = fields.dropFirst(6).firstIndex(of: "-"),
                mark + 3 < fields.count
            else { return nil }
            let source = unescaped(fields[mark + 2])
            let options = fields[mark + 3].split(separator: ",")
            // Network and memory file systems have no device of the machine's below them.
            guard source.hasPrefix("/dev/"), options.contains("rw") else { return nil }
            return BlockMount(
                device: String(fields[2]), point: unescaped(fields[4]),
                type: String(fields[mark + 1]), source: source, isWhole: fields[3] == "/")
        }
    }

    /// The kernel writes blanks, tabs, newlines and backslashes as `\ooo`.
    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var place = 0
        while place < source.count {
            let digits = source[(place + 1)...].prefix(3)
            if source[place] == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                place += 4
            } else {
                bytes.append(source[place])
                place += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private var depth: Int { point == "/" ? 0 : point.utf8.count { $0 == UInt8(ascii: "/") } }

    /// One mount for each file system, in the order in which they are to be frozen.
    ///
    /// A file system in a file of another one comes first, for its flush writes to the other; then
    /// the deepest mount point first, as an unmount would go. Thawing goes the other way.
    ///
    /// - Parameters:
    ///   - mounts: those of the mount table, in its order.
    ///   - points: only these mount points, or all when it is empty.
    ///   - backingFile: the file below a loop device, by the device's name such as `loop0`.
    public static func inFreezingOrder(
        _ mounts: [BlockMount], points: Set<String> = [],
        backingFile: (_ loopDevice: String) -> String?
    ) -> [BlockMount] {
        var chosen: [BlockMount] = []
        for mount in mounts where points.isEmpty || points.contains(mount.point) {
            guard let place = chosen.firstIndex(where: { $0.device == mount.device }) else {
                chosen.append(mount)
                continue
            }
            let kept = chosen[place]
            let isBetter =
                mount.isWhole != kept.isWhole
                ? mount.isWhole : mount.point.utf8.count < kept.point.utf8.count
            if isBetter { chosen[place] = mount }
        }
        let levels = chosen.map { level($0, mounts, backingFile) }
        return chosen.indices.sorted { left, right in
            if levels[left] != levels[right] { return levels[left] > levels[right] }
            if chosen[left].depth != chosen[right].depth {
                return chosen[left].depth > chosen[right].depth
            }
            return left > right
        }.map { chosen[$0] }
    }

    /// How many loop devices stand below it.
    private static func level(
        _ mount: BlockMount, _ mounts: [BlockMount], _ backingFile: (String) -> String?
    ) -> Int {
        var current = mount
        for level in 0..<8 {
            guard current.source.hasPrefix("/dev/loop"),
                let file = backingFile(String(current.source.dropFirst(5)))
            else { return level }
            let below = mounts.filter { $0.holds(file) }.max {
                $0.point.utf8.count < $1.point.utf8.count
            }
            guard let below, below.device != current.device else { return level + 1 }
            current = below
        }
        return 8
    }

    private func holds(_ path: String) -> Bool {
        point == "/" || path == point || path.hasPrefix(point + "/")
    }
}
