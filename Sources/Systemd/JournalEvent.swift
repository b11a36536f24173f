public import Logging

/// The kinds of events that have a MESSAGE_ID, so that `journalctl MESSAGE_ID=…` finds all of one
/// kind whatever its text says, and `journalctl -x` explains it.
///
/// An id is chosen once, at random, and never changes or comes back with another meaning. The
/// catalog file that journalctl reads is made from this list: ``catalog``.
///
/// ```swift
/// logger.info("host connected", metadata: .event(.hostConnected, ["port": "\(path)"]))
/// ```
///
/// Source: MESSAGE_ID in systemd.journal-fields(7); catalog files in journalctl(1).
public enum JournalEvent: String, CaseIterable, Sendable {
    case hostConnected = "d5ab3a0dbcf54a8fabe8aa249e68bf85"
    case hostLeft = "db40361dec034786a143eb1c6e340a0c"
    case portWaits = "c7df125d66544fde899d31eb53764f22"
    case portStuck = "94167194e4b24af5951c2c313ebe0c39"
    case outputLost = "b8898e3f2c2340758a690174f1ed37e8"
    case engineChosen = "89af66526dd040f084eee6eb632aae5d"
    case engineFellBack = "e46f0ad965c34c0db994d37a7511214a"
    case registrationFailed = "df78d165dff64221bd05e3b886cb7c6c"
    case hostDoesNotRead = "e370ea78fb9744309544dd93ea2ce14c"
    case probeStuck = "230929364ff443e1a2c658190e960644"
    case samplesDropped = "e1f6cd8c347849b4ab38e7b24fbde64b"
    case agentFailed = "20fb44d7d9da403688dc8dfee40037ab"
    case recordsSuppressed = "20ea1f168f9d445292a77f273891ff2c"
    case recordsDropped = "3b565e1ce71d4705bc66a7f4d45b949e"

    /// The MESSAGE_ID: 32 hexadecimal digits.
    public var id: String { rawValue }

    /// The catalog's subject line.
    public var subject: String {
        switch self {
        case .hostConnected: "A host has connected to the port @PORT@"
        case .hostLeft: "The host has left the port @PORT@"
        case .portWaits: "The virtio port cannot be used yet"
        case .portStuck: "The virtio port did not close in time"
        case .outputLost: "The queue to the host of the port @PORT@ is lost"
        case .engineChosen: "The engine for input and output is @ENGINE@"
        case .engineFellBack: "The engine is @ENGINE@, because another was refused"
        case .registrationFailed: "The memory of the rings is not registered with the kernel"
        case .hostDoesNotRead: "The host asks and does not read"
        case .probeStuck: "The probe @PROBE@ is stuck in the kernel"
        case .samplesDropped: "Metrics gave way to newer ones"
        case .agentFailed: "The agent could not start, or not go on"
        case .recordsSuppressed: "Log records of one kind were left out"
        case .recordsDropped: "Log records were lost before they reached the journal"
        }
    }

    /// What it means and what to do, as whole sentences.
    public var explanation: String {
        switch self {
        case .hostConnected:
            "A program on the host has opened the socket of this port. A new session begins."
        case .hostLeft:
            "The program on the host has closed the socket. Metrics are kept until one returns."
        case .portWaits:
            "The message says why, and when the next attempt is. `vireo doctor` says what to do."
        case .portStuck:
            "The driver kept a transfer of ours when the agent ended. Look at dmesg."
        case .outputLost:
            """
            QEMU loses one of the queue's 128 slots each time a host leaves that had not taken \
            what was on its way, and now all are lost: the driver takes nothing, whichever \
            program writes. The port unplugged and plugged again does not help. Restart the \
            guest; or as root, `echo virtioN > unbind` and `echo virtioN > bind` in \
            /sys/bus/virtio/drivers/virtio_console, and restart what else uses ports of that \
            device. Hosts that read until they leave do not bring it about.
            """
        case .engineChosen:
            "io_uring saves system calls; epoll does the same work where that is refused."
        case .engineFellBack:
            """
            The agent works on epoll as well. io_uring is refused by kernel.io_uring_disabled, a \
            system call filter, or an old kernel; the message says which call failed.
            """
        case .registrationFailed:
            """
            Requests carry plain addresses instead, which costs a little time. Raise LimitMEMLOCK \
            of the unit to 8M to have it.
            """
        case .hostDoesNotRead:
            "Answers to the host found no room. The program on the host has to read its socket."
        case .probeStuck:
            """
            A file server that does not answer, or a failing disk, holds up what the probe asks \
            for. Its figures are late; everything else goes on.
            """
        case .samplesDropped:
            "No host took them in time. The number is in every metrics message as `dropped`."
        case .agentFailed:
            "The message says what is wrong and what to do; `vireo doctor` looks at everything."
        case .recordsSuppressed:
            "One kind of record came more often than once a second for a while."
        case .recordsDropped:
            "The journal did not take records as fast as they came, and the queue was full."
        }
    }

    /// All entries as a catalog file: for /usr/lib/systemd/catalog, then `journalctl
    /// --update-catalog`.
    public static var catalog: String {
        allCases.map { event in
            """
            -- \(event.id)
            Subject: \(event.subject)
            Defined-By: Vireo

            \(event.explanation)


            """
        }.joined()
    }
}

extension Dictionary where Key == String, Value == Logger.MetadataValue {
    /// The metadata's key that carries the event.
    static var eventKey: String { "event" }

    /// Metadata that makes a record one of a kind, with its fields.
    ///
    /// - Parameter fields: names such as `port`, which the journal shows as `PORT`.
    public static func event(
        _ event: JournalEvent, _ fields: [String: Logger.MetadataValue] = [:]
    ) -> Logger.Metadata {
        var metadata = fields
        metadata[eventKey] = .string(event.id)
        return metadata
    }
}
