import Framing
public import Kernel
import Terminal
public import Wire

/// What `host exec` is asked to do.
public struct ExecConfiguration: Sendable {
    /// QEMU's socket, or the one that a watch listens on.
    public var socket: String
    public var arguments: [String]
    /// Seconds that the command may take; the guest's own default without.
    public var timeoutSeconds: Double?
    /// Whether standard input goes to the command.
    public var passesInput = true
    /// Prints each message about the command, one a line, instead of its output.
    public var printsMessages = false
    /// Makes the frame that is sent of a payload: a signed envelope for this guest and epoch; `nil`
    /// when it cannot.
    public var sign: (@Sendable (_ payload: String, _ machine: String, Epoch) -> String?)?

    public init(socket: String, arguments: [String]) {
        self.socket = socket
        self.arguments = arguments
    }
}

/// Runs one command in a guest, and shows what it prints as it comes.
///
/// Where a watch is attached, it is asked through its control socket; else this attaches itself, as
/// an observer, so that numbered messages wait for their own host.
public final class ExecClient {
    private let configuration: ExecConfiguration
    private let id: String
    private var progress: ExecProgress
    private var parser: JSONParser
    private var scanner = FrameScanner()
    private var received: [UInt8] = []
    private let connection: FileDescriptor
    private let isObserver: Bool
    private var isSent = false
    private var inputEnded = false
    private var isCancelled = false
    private var limit: MonotonicTime
    private var ending: ExecEnding?
    private var epoch: Epoch?

    /// - Throws: `ProgramFailure` when nobody can be reached.
    public init(_ configuration: ExecConfiguration) throws(ProgramFailure) {
        let control = ControlSocket.connect(to: configuration.socket)
        let isObserver = control == nil
        let connection = try Self.connect(control, configuration.socket)
        let parser = try Self.makeParser()
        self.configuration = configuration
        self.isObserver = isObserver
        self.connection = connection
        self.parser = parser
        id = Self.newIdentifier()
        progress = ExecProgress(id: id)
        limit = MonotonicTime.now.adding(milliseconds: HostLimits.silenceMilliseconds)
        inputEnded = !configuration.passesInput
    }

    private static func makeParser() throws(ProgramFailure) -> JSONParser {
        do {
            return try JSONParser()
        } catch {
            throw ProgramFailure(.tryAgain, "\(error)")
        }
    }

    /// 128 random bits: no id is ever used twice.
    private static func newIdentifier() -> String {
        var generator = SystemRandomNumberGenerator()
        return [generator.next(), generator.next()].map { (word: UInt64) in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private static func connect(
        _ control: consuming FileDescriptor?, _ socket: String
    ) throws(ProgramFailure) -> FileDescriptor {
        if let control { return control }
        do throws(Errno) {
            return try UnixSocket.connect(socket)
        } catch {
            throw ProgramFailure(
                .unavailable, "\(socket): \(error). Is the guest running, and the path right?")
        }
    }

    /// - Returns: what to exit with.
    public func run() throws(ProgramFailure) -> Int32 {
        let signals = try begin()
        while ending == nil {
            var set = PollSet([connection.number, signals.number])
            if isSent, !inputEnded { set.entries.append(PollSet.Entry(0)) }
            set.wait(milliseconds: millisecondsLeft())
            do throws(Errno) {
                if set.entries[1].isReadable { try takeSignals(signals.number) }
                if set.entries[0].isReadable { try readMore() }
                if set.entries.count > 2, set.entries[2].isReadable { try passInput() }
            } catch {
                end(125, "\(configuration.socket): \(error)")
            }
            if ending == nil, limit <= .now { timedOut() }
        }
        if let note = ending!.note { complain(note) }
        return ending!.status
    }

    /// Greets, where no watch did that already.
    ///
    /// - Returns: the signals that end a command.
    private func begin() throws(ProgramFailure) -> FileDescriptor {
        do throws(Errno) {
            let signals = try Signals.descriptor(for: [Signals.interrupt, Signals.terminate])
            if isObserver {
                try FileDescriptor.writeAll(
                    Array("\n{\"type\":\"handshake_request\"}\n".utf8), to: connection.number)
            }
            return signals
        } catch {
            throw ProgramFailure(.inputOutput, "\(configuration.socket): \(error)")
        }
    }

    private func millisecondsLeft() -> UInt64 {
        limit.nanoseconds(since: .now) / 1_000_000 + 1
    }

    private func end(_ status: Int32, _ note: String?) {
        ending = ending ?? ExecEnding(status: status, note: note)
    }

    private func complain(_ text: String) {
        try? FileDescriptor.writeAll("vireo: \(escaped(text))\n", to: 2)
    }

    /// Nothing came in time.
    private func timedOut() {
        if isSent {
            end(125, "the guest gave no answer in time: what became of the command is unknown")
        } else {
            end(
                69,
                """
                \(configuration.socket): connected, and nothing came for 3 s. QEMU serves one \
                client: somebody else is attached (see ss -xp), or no agent runs in the guest.
                """)
        }
    }

    // MARK: What is sent

    private func send(_ text: String) throws(Errno) {
        try FileDescriptor.writeAll(Array(text.utf8) + [0x0a], to: connection.number)
    }

    /// A message about the command, as one line.
    private func line(_ type: String, _ members: (inout JSONWriter) -> Void) -> String {
        let text = JSONText.make(bytesMax: WireLimits.frameBytesMax) { writer in
            writer.beginObject()
            writer.member("type", type)
            writer.member("id", id)
            if let epoch { writer.member("epoch", "\(epoch)") }
            members(&writer)
            writer.endObject()
        }
        return text ?? ""
    }

    private func sendCommand(to machine: String) throws(Errno) {
        let payload = line("Exec") { writer in
            writer.beginArray("argv")
            for argument in configuration.arguments { writer.value(argument) }
            writer.endArray()
            if let seconds = configuration.timeoutSeconds { writer.member("timeout", seconds) }
            if configuration.passesInput { writer.member("input", true) }
        }
        guard !payload.isEmpty else {
            return end(64, "the arguments take more than a frame of 1 MiB")
        }
        guard let sign = configuration.sign else {
            try send(payload)
            return sent()
        }
        guard let epoch, let envelope = sign(payload, machine, epoch) else {
            return end(69, "the guest's agent has no epoch: it cannot check a signature of ours")
        }
        try send(envelope)
        sent()
    }

    private func sent() {
        guard !isSent else { return }
        isSent = true
        progress.sent()
        // The guest's own default is 30 s; its grace, and what the way takes, come on top.
        let seconds = configuration.timeoutSeconds ?? 30
        limit = MonotonicTime.now.adding(milliseconds: UInt64(seconds * 1000) + 15_000)
    }

    private func passInput() throws(Errno) {
        let bytes = try FileDescriptor.readSome(0, bytesMax: 32_768)
        if let bytes, bytes.isEmpty { return }
        let data = ExecData(bytes ?? [])
        inputEnded = bytes == nil
        try send(
            line("exec_input") { writer in
                writer.member("data", data.text)
                writer.member("encoding", data.encoding.rawValue)
                writer.member("eof", bytes == nil)
            })
    }

    private func takeSignals(_ number: Int32) throws(Errno) {
        while let signal = Signals.next(number) {
            guard isSent, !isCancelled, signal == Signals.interrupt else {
                return end(128 + signal, nil)
            }
            isCancelled = true
            inputEnded = true
            try send(line("Cancel") { _ in })
        }
    }

    // MARK: What comes

    private func readMore() throws(Errno) {
        guard let bytes = try FileDescriptor.readSome(connection.number, bytesMax: 65_536) else {
            return end(
                isSent ? 125 : 69,
                isSent
                    ? "the connection ended: what became of the command is unknown"
                    : "\(configuration.socket): the connection ended before the guest answered")
        }
        received += bytes
        var events: [ExecProgress.Event] = []
        var position = 0
        scan: while true {
            let rest = RawSpan(_elements: received.span).extracting(droppingFirst: position)
            switch scanner.next(rest) {
            case .frame(let frame):
                let line = rest.extracting(frame.bytes)
                events += take(line)
                position += frame.consumed
            case .overlong(_, let consumed): position += consumed
            case .incomplete(let consumed):
                position += consumed
                break scan
            }
        }
        received.removeFirst(position)
        for event in events where ending == nil { try handle(event) }
    }

    private func take(_ line: RawSpan) -> [ExecProgress.Event] {
        guard (try? parser.parse(line)) != nil else { return [] }
        let events = progress.take(parser.root)
        if configuration.printsMessages, parser.root.member("id")?.string == id {
            try? FileDescriptor.writeAll(String(frame: line).harmlessJSON + "\n", to: 1)
        }
        return events
    }

    private func handle(_ event: ExecProgress.Event) throws(Errno) {
        switch event {
        case .greeted(let epoch, let session, let machine):
            self.epoch = epoch
            if isObserver, let epoch { try answer(epoch, session) }
            // Another session of the same life: the answer is given to who asks in it. The command
            // has its id, and does not run again.
            if !isSent || isObserver { try sendCommand(to: machine) }
        case .output(let isError, let bytes):
            guard !configuration.printsMessages else { return }
            try show(bytes, on: isError ? 2 : 1)
        case .ended(let ending): self.ending = ending
        }
    }

    /// Every byte to a file or a pipe. A terminal gets lines and tabs, and what would act on it is
    /// made visible: nothing that a guest says may do that.
    private func show(_ bytes: [UInt8], on number: Int32) throws(Errno) {
        guard isTerminal(number) else { return try FileDescriptor.writeAll(bytes, to: number) }
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        let shown = lines.map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false)
                .map { escaped(String($0)) }.joined(separator: "\t")
        }
        try FileDescriptor.writeAll(shown.joined(separator: "\n"), to: number)
    }

    /// An observer takes no numbered messages: they wait for their own host.
    private func answer(_ epoch: Epoch, _ session: UInt64) throws(Errno) {
        try send(
            """
            {"type":"handshake_ack","epoch":"\(epoch)","session":\(session),"received":0,\
            "window":262144,"capabilities":[],"observer":true}
            """)
    }
}
