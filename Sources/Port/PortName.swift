/// The name of a virtio port, as QEMU's `name=` gives it: `[A-Za-z0-9._-]{1,64}`.
///
/// The host chooses the name, and it ends up in paths and logs: anything else is refused.
public struct PortName: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// - Throws: ``PortError/invalidName(_:)``.
    public init(_ text: String) throws(PortError) {
        let isRight = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isRight, (1...PortLimits.nameCharactersMax).contains(text.utf8.count) else {
            throw .invalidName(text)
        }
        // Names that are special as a path.
        guard text != ".", text != ".." else { throw .invalidName(text) }
        self.text = text
    }

    private init(known text: String) {
        self.text = text
    }

    public var description: String { text }

    /// The names that are looked for when none is given, in this order.
    public static let defaults = [
        PortName(known: "org.infinibay.agent"), PortName(known: "org.infinibay.0"),
    ]

    /// The document's fallback, which is another agent's port: only with leave.
    public static let foreignFallback = PortName(known: "org.qemu.guest_agent.0")

    /// Beginnings of names that belong to other agents.
    private static let foreignPrefixes = [
        "org.qemu.guest_agent.", "com.redhat.", "org.spice-space.", "ovirt-guest-agent.",
        "org.linuxcontainers.", "io.lima-vm.", "org.guest-agent.", "org.quantix.",
    ]

    /// Whether some other agent is known to live on a port of this name.
    public var isForeign: Bool {
        PortName.foreignPrefixes.contains { text.hasPrefix($0) }
    }
}
