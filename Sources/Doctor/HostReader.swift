import Kernel
import Wire

/// Reads a ``HostView`` of one guest's socket.
public struct HostReader {
    public let path: String
    /// The socket of QEMU's monitor, if it is known.
    public let monitorPath: String?
    /// How long a guest has to say something after we attached, in milliseconds. An agent answers
    /// within one; the rest is for a guest that is busy.
    public var patienceMilliseconds: UInt64 = 3000
    public var proc = "/proc"

    public init(path: String, monitorPath: String? = nil) {
        self.path = path
        self.monitorPath = monitorPath
    }

    public func view() -> HostView {
        var view = HostView()
        view.path = path
        view.socket = socket()
        view.connections = connections()
        if let monitorPath { view.monitor = MonitorClient.view(monitorPath) }
        guard case .present(_, _, true) = view.socket, !Doctor.isBusy(view) else { return view }
        view.attachment = attach()
        return view
    }

    private func socket() -> SocketView {
        do throws(Errno) {
            let status = try FileStatus.of(path)
            guard status.isSocket else { return .notASocket }
            return .present(
                mode: status.permissions, owner: status.owner,
                mayConnect: ProcessIdentity.mayReadAndWrite(path))
        } catch {
            return error == .notFound ? .missing : .hidden(error)
        }
    }

    /// Source: /proc/net/unix in proc(5); the state is the kernel's socket_state: 1 with the flag
    /// 0x10000 listens, 3 is connected, 2 waits to be accepted.
    private func connections() -> ConnectionsView {
        var view = ConnectionsView()
        var reader = FileReader(bytesMax: 64 << 20)
        guard let bytes = try? reader.read("\(proc)/net/unix") else { return view }
        for line in bytes.repairedText.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
            guard fields.count == 8, fields[7] == path, fields[4] == "0001" else { continue }
            let isListener = UInt32(fields[3], radix: 16).map { $0 & 0x10000 != 0 } ?? false
            switch fields[5] {
            case "01" where isListener: view.hasListener = true
            case "03": view.served += 1
            case "02": view.waiting += 1
            default: break
            }
        }
        return view
    }

    /// Attaches as a host does: a newline, which ends whatever half frame is in the pipe, and the
    /// question who is there.
    private func attach() -> AttachmentView {
        let connection: LineConnection
        do throws(Errno) {
            connection = try LineConnection(path)
        } catch {
            return .refused(error)
        }
        let limit = MonotonicTime.now.adding(milliseconds: patienceMilliseconds)
        // What a busy QEMU does not read stays in the socket; what does not fit is no loss.
        connection.send("\n{\"type\":\"handshake_request\"}\n")
        var first: String?
        // What a host before us asked for may come first.
        while true {
            switch connection.line(until: limit) {
            case .line(let line):
                if let answer = Self.handshake(line) { return answer }
                first = first ?? line
                if Self.isMessage(line) { continue }
                return .other(Self.start(line))
            case .timedOut:
                return first.map { .other(Self.start($0)) }
                    ?? .silent(milliseconds: patienceMilliseconds)
            case .ended: return first.map { .other(Self.start($0)) } ?? .closed
            }
        }
    }

    private static func start(_ line: String) -> String {
        line.unicodeScalars.count > 80 ? String(line.prefix(80)) + "…" : line
    }

    /// Whether it is a message such as agents send.
    private static func isMessage(_ line: String) -> Bool {
        guard var parser = try? JSONParser() else { return false }
        guard (try? parser.parse(text: line)) != nil else { return false }
        return parser.root.member("type")?.string != nil
    }

    private static func handshake(_ line: String) -> AttachmentView? {
        guard var parser = try? JSONParser() else { return nil }
        guard (try? parser.parse(text: line)) != nil else { return nil }
        guard parser.root.member("type")?.string == "handshake" else { return nil }
        return .handshake(
            vm: parser.root.member("vm_id")?.string ?? "an unnamed machine",
            version: parser.root.member("version")?.string ?? "of unknown version")
    }
}
