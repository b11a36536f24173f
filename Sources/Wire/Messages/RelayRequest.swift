/// How a command shows that it was meant for this life of the agent.
public enum CommandBinding: String, CaseIterable, Hashable, Sendable {
    /// By nothing: it may only read.
    case none
    /// By the current epoch, which `CommandRelay` of the agent checked.
    case epoch
    /// By an envelope, which the executor has to check.
    case envelope

    /// Of a relayed message.
    init?(_ root: JSONValue) {
        guard let text = root.member("binding")?.string else { return nil }
        self.init(rawValue: text)
    }
}

/// What the agent says to the program that runs commands. One JSON object a line, as on the port.
///
/// The two talk over a Unix socket. Neither trusts the port: the agent writes each command anew
/// from what it parsed (``JSONWriter/value(_:)-(JSONValue)``), so that no byte of a stranger
/// reaches the executor's parser; of a signed command only the signed text stays as it was, as a
/// string, and is parsed when the signature holds.
///
/// | from the agent | members |
/// |---|---|
/// | `hello` | `epoch`, `vm`: first on every connection |
/// | `run` | `key`, `id`, `binding`, `streams`, `command`: the command or its envelope |
/// | `scripts` | `keys`: a key for the id of each script to run, `binding`, `command`: the list |
/// | `input` | `key`, `command`: an `exec_input` or its envelope |
/// | `cancel` | `key` |
/// | `credit` | `bytes`: as many of what came have left the agent |
///
/// | from the executor | members |
/// |---|---|
/// | `answer` | `key`, `class`, `is_last`, `message`: see ``RelayAnswer`` |
///
/// A key is a number that the agent gives each command, never twice on a connection. Each gets one
/// answer that is the last, and any number before. Pending scripts come as one message, since they
/// are signed as one; each has a key of its own.
///
/// **Flow.** Answers of class `results` count against a window of ``RelayLimits/windowBytes``; the
/// agent gives credit when a message has left its queue, or was dropped. With the window used up
/// the executor goes on reading its children and keeps what it may keep, 512 KiB a stream, and
/// counts the rest; it never waits with a pipe unread. So the agent holds at most a window of
/// answers, whatever a command prints, and its room for them is set aside once. Answers of class
/// `control` (refusals) are small and do not count.
///
/// **Ends.** When the agent goes, commands go on to their end or time-out and their answers are
/// dropped, so that an agent that is upgraded does not kill the upgrade; waiting ones are
/// forgotten. An executor that the agent started itself ends everything and then itself. When the
/// executor goes, the agent answers what ran as CONNECTION_FAILED without an outcome: what the
/// command did is not known.
public enum RelayRequest: Hashable, Sendable {
    case hello(epoch: Epoch, vmID: String)
    /// The id is the command's: an envelope that does not hold is refused under it, unopened.
    case run(key: UInt64, id: String, binding: CommandBinding, streams: Bool)
    case scripts(keys: [String: UInt64], binding: CommandBinding)
    case input(key: UInt64)
    case cancel(key: UInt64)
    case credit(bytes: Int)

    /// `nil` for what the agent does not say. The command of `run` and `input` is the root's member
    /// `command`.
    public init?(_ root: JSONValue) {
        guard let type = root.member("type")?.string else { return nil }
        let key = root.member("key")?.unsigned
        switch (type, key) {
        case ("hello", _):
            guard let epoch = root.member("epoch")?.string.flatMap({ Epoch($0) }),
                let vmID = root.member("vm")?.string
            else { return nil }
            self = .hello(epoch: epoch, vmID: vmID)
        case ("run", let key?):
            guard let binding = CommandBinding(root), let id = root.identifier("id"),
                let streams = root.member("streams")?.bool
            else { return nil }
            self = .run(key: key, id: id, binding: binding, streams: streams)
        case ("scripts", _):
            guard let list = root.member("keys"), list.type == .object,
                let binding = CommandBinding(root)
            else { return nil }
            var keys: [String: UInt64] = [:]
            var members = list.members
            while let member = members.next() {
                guard let id = member.name.string, let key = member.value.unsigned else {
                    return nil
                }
                keys[id] = key
            }
            self = .scripts(keys: keys, binding: binding)
        case ("input", let key?): self = .input(key: key)
        case ("cancel", let key?): self = .cancel(key: key)
        case ("credit", _):
            guard let bytes = root.member("bytes")?.unsigned.flatMap({ Int(exactly: $0) }) else {
                return nil
            }
            self = .credit(bytes: bytes)
        default: return nil
        }
    }

    /// Writes one frame.
    ///
    /// - Parameters:
    ///   - command: for ``run(key:id:binding:streams:)``, ``scripts(keys:binding:)`` and
    ///     ``input(key:)``: the command.
    ///   - writer: takes the frame, with its newline.
    public func encode(command: JSONValue, into writer: inout JSONWriter) -> FrameOutcome {
        let start = writer.beginFrame()
        members(into: &writer)
        writer.member("command", command)
        return writer.endFrame(start)
    }

    /// Writes one frame without a command.
    public func encode(into writer: inout JSONWriter) -> FrameOutcome {
        let start = writer.beginFrame()
        members(into: &writer)
        return writer.endFrame(start)
    }

    private func members(into writer: inout JSONWriter) {
        switch self {
        case .hello(let epoch, let vmID):
            writer.member("type", "hello")
            writer.member("epoch", epoch)
            writer.member("vm", vmID)
        case .run(let key, let id, let binding, let streams):
            writer.member("type", "run")
            writer.member("key", key)
            writer.member("id", id)
            writer.member("binding", binding.rawValue)
            writer.member("streams", streams)
        case .scripts(let keys, let binding):
            writer.member("type", "scripts")
            writer.beginObject("keys")
            for (id, key) in keys.sorted(by: { $0.key < $1.key }) {
                writer.key(id)
                writer.value(key)
            }
            writer.endObject()
            writer.member("binding", binding.rawValue)
        case .input(let key):
            writer.member("type", "input")
            writer.member("key", key)
        case .cancel(let key):
            writer.member("type", "cancel")
            writer.member("key", key)
        case .credit(let bytes):
            writer.member("type", "credit")
            writer.member("bytes", bytes)
        }
    }
}

/// What the relay between the agent and the executor bounds.
public enum RelayLimits {
    /// Bytes of answers that the agent has not given credit for: one frame of the largest size. One
    /// answer may always be on its way when none else is.
    public static let windowBytes = WireLimits.frameBytesMax

    /// Bytes that the agent and the relay add to a message: type, timestamp, epoch, number, key and
    /// class. What the executor writes stays under a frame by as much.
    public static let envelopeBytes = 2048

    /// Commands that run at a time, and that wait to.
    public static let runningMax = 4
    public static let waitingMax = 16
}
