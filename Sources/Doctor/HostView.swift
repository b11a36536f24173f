public import Kernel

/// What a guest's socket looks like on the host, as plain values.
public struct HostView: Equatable, Sendable {
    public var path = ""
    public var socket = SocketView.missing
    public var connections = ConnectionsView()
    public var attachment = AttachmentView.notTried
    /// What QEMU's monitor tells; `nil` when none was named.
    public var monitor: MonitorView?

    public init() {}
}

/// The file at the path.
public enum SocketView: Equatable, Sendable {
    case missing
    case notASocket
    /// Permission bits, whose it is, and whether we may write to it, as connecting takes.
    case present(mode: UInt32, owner: UInt32, mayConnect: Bool)
    case hidden(Errno)
}

/// Who is on the socket, by /proc/net/unix. Nothing of another network namespace shows there.
public struct ConnectionsView: Equatable, Sendable {
    /// Whether somebody listens.
    public var hasListener = false
    /// Clients that are served. QEMU serves one.
    public var served = 0
    /// Clients that have connected and are not served yet.
    public var waiting = 0

    public init() {}
}

/// What came of attaching to the socket as a host does.
public enum AttachmentView: Equatable, Sendable {
    /// Somebody else is there, or something before it was wrong.
    case notTried
    case refused(Errno)
    /// Connected, and no byte came in all that time.
    case silent(milliseconds: UInt64)
    /// The other end closed the connection without a word.
    case closed
    /// An agent said who it is.
    case handshake(vm: String, version: String)
    /// Something else came: its first line, or the start of it.
    case other(String)
}

/// What QEMU's monitor tells of its sockets and ports.
public enum MonitorView: Equatable, Sendable {
    case failed(String)
    case known(chardevs: [ChardevView], ports: [MonitorPort])
}

/// One chardev of QEMU. Source: query-chardev of the QMP reference.
public struct ChardevView: Equatable, Sendable {
    public var label: String
    /// `disconnected:unix:PATH,server=on` while nobody is attached.
    public var filename: String
    /// Whether the device in front of it is open: for a port, whether the guest has it open.
    public var isFrontendOpen: Bool

    public init(label: String, filename: String, isFrontendOpen: Bool) {
        self.label = label
        self.filename = filename
        self.isFrontendOpen = isFrontendOpen
    }

    /// Whether a client is attached to the socket.
    public var isAttached: Bool { !filename.hasPrefix("disconnected:") }

    /// Whether it is the Unix socket of that path.
    public func isSocket(_ path: String) -> Bool {
        let text = isAttached ? filename[...] : filename.dropFirst("disconnected:".count)
        return text == "unix:\(path)" || text.hasPrefix("unix:\(path),")
    }
}

/// One virtserialport or virtconsole of QEMU.
public struct MonitorPort: Equatable, Sendable {
    /// Its id or, where it has none, the last part of its place in the tree.
    public var identity: String
    public var name: String
    public var chardev: String
    /// `nil` where QEMU does not tell, as before 7.2.
    public var output: OutputQueue?

    public init(identity: String, name: String, chardev: String, output: OutputQueue? = nil) {
        self.identity = identity
        self.name = name
        self.chardev = chardev
        self.output = output
    }
}

/// The queue of a port by which the guest sends.
///
/// QEMU gives a slot never back whose bytes a host had begun to take when it left:
/// `discard_throttle_data` in hw/char/virtio-serial-bus.c.
public struct OutputQueue: Equatable, Sendable {
    public var slots: UInt64
    /// Taken from the queue, not in use, and not given back.
    public var lost: UInt64

    public init(slots: UInt64, lost: UInt64) {
        self.slots = slots
        self.lost = lost
    }
}
