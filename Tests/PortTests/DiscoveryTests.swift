import Foundation
import Kernel
import Port
import Testing

/// A tree like /dev, /sys and /proc of a machine with virtio ports, in a folder of its own.
final class FakeTree {
    let root = FileManager.default.temporaryDirectory.appending(path: "vireo-\(UUID().uuidString)")
    var tree = PortTree()

    init() throws {
        tree.dev = root.appending(path: "dev").path
        tree.sys = root.appending(path: "sys").path
        tree.proc = root.appending(path: "proc").path
        for folder in ["dev/virtio-ports", "sys/class/virtio-ports", "proc"] {
            try make(folder)
        }
        try write("proc/devices", "Character devices:\n  1 mem\n248 virtio-portsdev\n 10 misc\n")
        // Device nodes cannot be made everywhere; the real check has a test of its own.
        tree.check = { path, _ in
            FileManager.default.fileExists(atPath: path)
                ? nil : .openFailed(path: path, errno: .notFound)
        }
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func make(_ folder: String) throws {
        try FileManager.default.createDirectory(
            at: root.appending(path: folder), withIntermediateDirectories: true)
    }

    func write(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: root.appending(path: path))
    }

    /// A port as the kernel shows it; `name` may come later than the node, and the link later
    /// still.
    func port(_ node: String, name: String?, isLinked: Bool = false) throws {
        try make("sys/class/virtio-ports/\(node)")
        try write("dev/\(node)", "")
        if let name { try write("sys/class/virtio-ports/\(node)/name", name + "\n") }
        if let name, isLinked {
            try FileManager.default.createSymbolicLink(
                atPath: root.appending(path: "dev/virtio-ports/\(name)").path,
                withDestinationPath: "../\(node)")
        }
    }
}

@Suite struct DiscoveryTests {
    private let start = MonotonicTime(nanoseconds: 10_000_000_000)

    @Test func theUdevLinkComesFirstThenTheNameInSysfs() throws {
        let fake = try FakeTree()
        try fake.port("vport0p2", name: "org.infinibay.agent", isLinked: true)
        var discovery = Discovery(names: PortName.defaults, tree: fake.tree)
        #expect(
            try discovery.find(at: start) == "\(fake.tree.dev)/virtio-ports/org.infinibay.agent")
        let bare = try FakeTree()
        try bare.port("vport0p1", name: "com.redhat.spice.0")
        try bare.port("vport0p3", name: "org.infinibay.0")
        var other = Discovery(names: PortName.defaults, tree: bare.tree)
        #expect(try other.find(at: start) == "\(bare.tree.dev)/vport0p3")
    }

    @Test func noOtherAgentsPortIsTakenUnasked() throws {
        let fake = try FakeTree()
        try fake.port("vport0p1", name: "org.qemu.guest_agent.0", isLinked: true)
        var discovery = Discovery(names: PortName.defaults, tree: fake.tree)
        let error = #expect(throws: PortError.self) { try discovery.find(at: start) }
        #expect(
            error
                == .deviceNotFound(
                    names: ["org.infinibay.agent", "org.infinibay.0"],
                    others: ["org.qemu.guest_agent.0"]))
        var allowed = Discovery(names: PortName.defaults, allowsForeign: true, tree: fake.tree)
        #expect(
            try allowed.find(at: start)
                == "\(fake.tree.dev)/virtio-ports/org.qemu.guest_agent.0")
        var asked = Discovery(names: [try PortName("org.qemu.guest_agent.0")], tree: fake.tree)
        #expect(throws: Never.self) { try asked.find(at: start) }
    }

    @Test func aNodeWithoutANameIsTakenOnlyAfterFiveSeconds() throws {
        let fake = try FakeTree()
        try fake.port("vport1p1", name: nil)
        try fake.port("vport0p1", name: nil)
        var discovery = Discovery(names: PortName.defaults, tree: fake.tree)
        #expect(throws: PortError.self) { try discovery.find(at: start) }
        #expect(discovery.isWaitingForName)
        #expect(throws: PortError.self) {
            try discovery.find(at: start.adding(milliseconds: 4999))
        }
        #expect(
            try discovery.find(at: start.adding(milliseconds: 5000)) == "\(fake.tree.dev)/vport0p1")
    }

    @Test func aNameThatComesLateIsHeeded() throws {
        let fake = try FakeTree()
        try fake.port("vport0p1", name: nil)
        var discovery = Discovery(names: PortName.defaults, tree: fake.tree)
        #expect(throws: PortError.self) { try discovery.find(at: start) }
        try fake.port("vport0p1", name: "org.infinibay.agent")
        #expect(
            try discovery.find(at: start.adding(milliseconds: 10)) == "\(fake.tree.dev)/vport0p1")
        // A stranger's name that comes late keeps the node away for good.
        let other = try FakeTree()
        try other.port("vport0p1", name: nil)
        var second = Discovery(names: PortName.defaults, tree: other.tree)
        #expect(throws: PortError.self) { try second.find(at: start) }
        try other.port("vport0p1", name: "com.redhat.spice.0")
        #expect(throws: PortError.self) { try second.find(at: start.adding(milliseconds: 9000)) }
    }

    @Test func theRealCheckRefusesWhatIsNoVirtioPort() throws {
        let tree = PortTree()
        let null = tree.check("/dev/null", tree)
        guard case .notAVirtioPort("/dev/null", _) = null else {
            Issue.record("/dev/null passed as a virtio port: \(String(describing: null))")
            return
        }
        guard case .notAVirtioPort(_, "it is no character device") = tree.check("/etc/passwd", tree)
        else {
            Issue.record("a file passed as a virtio port")
            return
        }
        guard case .deviceNotFound = tree.check("/dev/vport9p9", tree) else {
            Issue.record("a missing node passed as a virtio port")
            return
        }
    }

    @Test func theHolderOfADescriptorIsFound() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "vireo-held-\(UUID().uuidString)").path
        try Data().write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let held = try FileDescriptor.open(path, .read)
        #expect(PortTree().holder(of: path)?.pid == Int(getpid()))
        _ = held.release()
    }
}
