import CLinux
import Glibc
import Kernel
import Synchronization

/// Sends records to the journal from a thread of its own, so that a journal that does not read
/// holds nobody up.
///
/// What waits is bounded in number and bytes; what finds no room is dropped and counted, and the
/// count is told when there is room again. The thread sleeps while nothing waits.
///
/// The native protocol is written here, not by sd_journal_sendv(3): that one waits without end, and
/// knows one socket only.
final class JournalWriter: Sendable {
    /// Records that may wait.
    static let recordsMax = 256
    /// Bytes that may wait.
    static let bytesMax = 262_144
    /// The pause before a journal that is gone is looked for again, in milliseconds.
    static let reconnectMilliseconds: Int32 = 1000
    /// Attempts for one record before it is given up, while the journal is gone.
    static let attemptsMax = 10

    static let systemPath = "/run/systemd/journal/socket"

    private struct State {
        var waiting: [JournalRecord] = []
        var waitingBytes = 0
        var dropped: UInt64 = 0
        var limiter = LogRateLimiter()
        /// The thread has a record in hand that it took out.
        var isSending = false
        var isAsleep = false
        var isEnding = false
    }

    private let state = Mutex(State())
    private let bell: FileDescriptor
    private let identifier: String

    /// - Parameters:
    ///   - path: the journal's socket.
    ///   - identifier: SYSLOG_IDENTIFIER of the records about records.
    /// - Throws: what eventfd(2) and pthread_create(3) say.
    init(path: String = systemPath, identifier: String) throws(Errno) {
        let number = clinux_eventfd()
        guard number >= 0 else { throw .current }
        bell = FileDescriptor(owning: number)
        self.identifier = identifier
        try WorkerThread.start(name: "journal") { [self] in
            var sender = JournalSender(self, path: path)
            while sender.step() {}
        }
    }

    /// Ends the thread, and with it what still waits: for a writer that is not the process's own.
    func end() {
        state.withLock { $0.isEnding = true }
        ring()
    }

    /// Records dropped so far that nobody was told of.
    var dropped: UInt64 { state.withLock { $0.dropped } }

    /// Takes a record if there is room and its kind may; never waits.
    func write(_ record: JournalRecord, kind: String, now: MonotonicTime = .now) {
        let mustRing = state.withLock { state -> Bool in
            let wasQuiet = state.limiter.nextReport == nil
            switch state.limiter.judge(kind, at: now) {
            case .suppress:
                // The first one starts the clock of the report.
                guard wasQuiet else { return false }
            case .admit(let suppressed):
                if suppressed > 0 { enqueue(noteOfSuppressed(suppressed, kind), &state) }
                enqueue(record, &state)
            }
            defer { state.isAsleep = false }
            return state.isAsleep
        }
        if mustRing { ring() }
    }

    /// Waits until everything was sent, for at most `milliseconds`: before the process ends.
    ///
    /// - Returns: whether all of it was.
    @discardableResult
    func flush(milliseconds: UInt64) -> Bool {
        state.withLock { state in
            let suppressed = state.limiter.takeOverdue(at: .now, all: true)
            if suppressed > 0 { enqueue(noteOfSuppressed(suppressed, nil), &state) }
            state.isAsleep = false
        }
        ring()
        let limit = MonotonicTime.now.adding(milliseconds: milliseconds)
        while true {
            let isDone = state.withLock {
                $0.waiting.isEmpty && !$0.isSending && $0.dropped == 0
            }
            if isDone { return true }
            guard MonotonicTime.now < limit else { return false }
            usleep(2000)
        }
    }

    private func enqueue(_ record: JournalRecord, _ state: inout State) {
        guard state.waiting.count < Self.recordsMax,
            state.waitingBytes + record.bytes.count <= Self.bytesMax
        else {
            state.dropped += 1
            return
        }
        state.waiting.append(record)
        state.waitingBytes += record.bytes.count
    }

    private func noteOfSuppressed(_ count: UInt64, _ kind: String?) -> JournalRecord {
        let what = kind == nil ? "of one kind or another" : "like the next"
        var record = JournalRecord(
            .recordsSuppressed, priority: LOG_NOTICE,
            message: "\(count) records \(what) were left out: they came too often",
            identifier: identifier)
        record.append("SUPPRESSED", "\(count)")
        return record
    }

    private func ring() {
        var one: UInt64 = 1
        // SAFETY: eight bytes of a local. A counter that is full rings as well.
        _ = unsafe Glibc.write(bell.number, &one, 8)
    }

    // MARK: For the thread

    /// What the thread does next.
    enum Next {
        case send(JournalRecord)
        /// Sleep until the bell, or until that moment if there is one.
        case sleep(until: MonotonicTime?)
        case end
    }

    func next() -> Next {
        state.withLock { state in
            if state.isEnding { return .end }
            let suppressed = state.limiter.takeOverdue(at: .now)
            if suppressed > 0 { enqueue(noteOfSuppressed(suppressed, nil), &state) }
            // Only once there is room, so that the note is not dropped itself.
            if state.dropped > 0, state.waiting.count < Self.recordsMax / 2 {
                enqueue(noteOfDropped(state.dropped), &state)
                state.dropped = 0
            }
            guard !state.waiting.isEmpty else {
                state.isAsleep = true
                return .sleep(until: state.limiter.nextReport)
            }
            state.isSending = true
            let next = state.waiting.removeFirst()
            state.waitingBytes -= next.bytes.count
            return .send(next)
        }
    }

    /// The record in the thread's hand was sent, or given up.
    func finished(isSent: Bool) {
        state.withLock {
            $0.isSending = false
            if !isSent { $0.dropped += 1 }
        }
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    func sleep(until moment: MonotonicTime?) {
        let left = moment.map { Int32(clamping: $0.nanoseconds(since: .now) / 1_000_000 + 1) }
        _ = waitForEvents(of: bell.number, POLLIN, milliseconds: left ?? -1)
        var rung: UInt64 = 0
        // SAFETY: the counter, eight bytes, is written into a local.
        _ = unsafe Glibc.read(bell.number, &rung, 8)
    }

    private func noteOfDropped(_ count: UInt64) -> JournalRecord {
        var note = JournalRecord(
            .recordsDropped, priority: LOG_WARNING,
            message: "\(count) records were dropped: the journal did not keep up",
            identifier: identifier)
        note.append("DROPPED", "\(count)")
        return note
    }
}
