public import Kernel

/// Why there is no connection, and what to do about it. The remedies are those of the document's
/// tables.
public enum PortError: Error, Equatable, Sendable {
    case invalidName(String)
    case invalidEndpoint(String)
    /// No port of any of these names.
    case deviceNotFound(names: [String], others: [String])
    case notAVirtioPort(path: String, why: String)
    /// The port belongs to another agent and was not asked for by name.
    case foreignPort(name: String)
    case permissionDenied(path: String)
    /// Who has it open, where permissions allow to see that.
    case deviceBusy(path: String, holder: PortHolder?)
    /// ENODEV: the port was unplugged while it was open.
    case portGone(path: String)
    /// The other end closed the connection.
    case hostDisconnected(path: String)
    case connectionFailed(path: String, errno: Errno)
    case openFailed(path: String, errno: Errno)
    case inputOutput(path: String, errno: Errno)
    /// A message is longer than a frame may be.
    case messageTooLarge(bytes: Int, limit: Int)
}

/// A process that has a port open.
public struct PortHolder: Equatable, Sendable, CustomStringConvertible {
    public let pid: Int
    public let command: String

    public init(pid: Int, command: String) {
        self.pid = pid
        self.command = command
    }

    public var description: String { "\(command) (pid \(pid))" }
}

extension PortError: CustomStringConvertible {
    public var description: String { "\(problem). \(remedy)" }

    /// The document's name for it, as error messages on the wire carry it.
    public var code: String {
        switch self {
        case .deviceNotFound, .portGone, .notAVirtioPort: "DEVICE_NOT_FOUND"
        case .permissionDenied, .foreignPort: "PERMISSION_DENIED"
        case .messageTooLarge: "MESSAGE_TOO_LARGE"
        case .invalidName, .invalidEndpoint: "INVALID_MESSAGE"
        default: "CONNECTION_FAILED"
        }
    }

    private var problem: String {
        switch self {
        case .invalidName(let name):
            "\(quoted(name)) is no name of a virtio port"
        case .invalidEndpoint(let text):
            "\(quoted(text)) is no device"
        case .deviceNotFound(let names, let others):
            "no virtio port is named \(names.joined(separator: " or "))"
                + (others.isEmpty ? "" : "; there are \(others.joined(separator: ", "))")
        case .notAVirtioPort(let path, let why):
            "\(quoted(path)) is no virtio port: \(why)"
        case .foreignPort(let name):
            "the port \(quoted(name)) belongs to another agent"
        case .permissionDenied(let path):
            "permission to open \(path) denied"
        case .deviceBusy(let path, let holder):
            "\(path) is in use" + (holder.map { " by \($0)" } ?? "")
        case .portGone(let path):
            "the port \(path) was unplugged"
        case .hostDisconnected(let path):
            "the host closed \(path)"
        case .connectionFailed(let path, let errno):
            "connecting to \(path) failed: \(errno)"
        case .openFailed(let path, let errno):
            "opening \(path) failed: \(errno)"
        case .inputOutput(let path, let errno):
            "input or output on \(path) failed: \(errno)"
        case .messageTooLarge(let bytes, let limit):
            "a message of \(bytes) bytes is over the limit of \(limit)"
        }
    }

    /// What to do about it, in one or two sentences.
    public var remedy: String {
        switch self {
        case .invalidName:
            "Use 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', as in QEMU's name=."
        case .invalidEndpoint:
            "Give the path of a device, unix:PATH of a socket, or fd:N of an open descriptor."
        case .deviceNotFound:
            """
            Load the driver (modprobe virtio_console) and give the virtual machine a channel of \
            that name.
            """
        case .notAVirtioPort:
            "Name a node under /dev/virtio-ports or /dev/vport*, or use unix:PATH or fd:N."
        case .foreignPort:
            "Give this agent a port of its own, or pass --allow-foreign-port."
        case .permissionDenied:
            """
            Run as a member of the group virtio-ports, with the udev rule \
            SUBSYSTEM=="virtio-ports", GROUP="virtio-ports", MODE="0660", or as root.
            """
        case .deviceBusy(let path, let holder):
            holder == nil
                ? "A port serves one process; find the other with: sudo fuser \(path)."
                : "A port serves one process: stop the other."
        case .portGone: "Waiting for a port of that name to be plugged in."
        case .hostDisconnected: "Reconnecting."
        case .connectionFailed: "Is the other side running, and the path right? Trying again."
        case .openFailed, .inputOutput: "Trying again; if it stays so, look at dmesg."
        case .messageTooLarge: "Split the message."
        }
    }

    private func quoted(_ text: String) -> String {
        "'"
            + text.unicodeScalars.map {
                $0.properties.generalCategory == .control ? "?" : String($0)
            }
            .joined() + "'"
    }
}
