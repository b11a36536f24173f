import Kernel

/// Where the nodes of virtio ports are looked for; tests point it at a tree of their own.
public struct PortTree: Sendable {
    public var dev = "/dev"
    public var sys = "/sys"
    public var proc = "/proc"
    /// Whether a path is a device node of the virtio ports' driver: by default a character device
    /// whose major number /proc/devices gives to `virtio-portsdev`.
    public var check: @Sendable (_ path: String, _ tree: PortTree) -> PortError?

    public init() {
        check = { path, tree in tree.checkNode(path) }
    }

    /// A node that the kernel has, with the name that the host gave it if it is known.
    public struct Node: Equatable, Sendable {
        /// `/dev/vport0p1`.
        public let path: String
        /// `nil` while the kernel has not published it, or when the host gave none.
        public let name: String?
    }

    /// Every virtio port of the machine, by /sys/class/virtio-ports, in order.
    public func nodes() -> [Node] {
        let folder = "\(sys)/class/virtio-ports"
        guard let names = try? directoryNames(folder) else { return [] }
        return names.filter { $0.hasPrefix("vport") }.sorted().map { node in
            Node(path: "\(dev)/\(node)", name: line("\(folder)/\(node)/name"))
        }
    }

    /// The udev links, by /dev/virtio-ports: names, in order.
    public func links() -> [String] {
        ((try? directoryNames("\(dev)/virtio-ports")) ?? []).sorted()
    }

    /// The first line of a small file; `nil` when it is not there or empty.
    private func line(_ path: String) -> String? {
        var reader = FileReader(bytesMax: 4096)
        guard let bytes = try? reader.read(path) else { return nil }
        var text = ""
        for offset in 0..<bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == 0x0a { break }
            text.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return text.isEmpty ? nil : text
    }

    private func checkNode(_ path: String) -> PortError? {
        let status: FileStatus
        do {
            status = try FileStatus.of(path)
        } catch {
            switch error {
            case .accessDenied: return .permissionDenied(path: path)
            case .notFound:
                return .deviceNotFound(names: [path], others: nodes().compactMap(\.name))
            default: return .openFailed(path: path, errno: error)
            }
        }
        guard status.isCharacterDevice else {
            return .notAVirtioPort(path: path, why: "it is no character device")
        }
        guard let major = driverMajor() else {
            return .notAVirtioPort(path: path, why: "no driver of virtio ports is in /proc/devices")
        }
        guard status.deviceMajor == major else {
            return .notAVirtioPort(path: path, why: "another driver serves it")
        }
        return nil
    }

    /// The major number of `virtio-portsdev` in /proc/devices.
    func driverMajor() -> UInt32? {
        var reader = FileReader()
        guard let bytes = try? reader.read("\(proc)/devices") else { return nil }
        var word = ""
        var major: UInt32?
        for offset in 0..<bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == 0x20 || byte == 0x0a {
                if word == "virtio-portsdev" { return major }
                if let number = UInt32(word) { major = number }
                word = ""
            } else {
                word.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return word == "virtio-portsdev" ? major : nil
    }

    /// Who has the node open, as far as /proc lets us see.
    public func holder(of path: String) -> PortHolder? {
        let node =
            linkTarget(path).map { target in
                target.hasPrefix("/") ? target : "\(dev)/\(target.split(separator: "/").last ?? "")"
            } ?? path
        for entry in (try? directoryNames(proc)) ?? [] {
            guard let pid = Int(entry) else { continue }
            let folder = "\(proc)/\(entry)/fd"
            for number in (try? directoryNames(folder)) ?? []
            where linkTarget("\(folder)/\(number)") == node {
                return PortHolder(pid: pid, command: line("\(proc)/\(entry)/comm") ?? "?")
            }
        }
        return nil
    }
}
