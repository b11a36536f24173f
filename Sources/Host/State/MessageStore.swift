public import IOEngine
public import Kernel
public import Session
import Synchronization
import Wire

/// Messages and K of many guests below one folder, made safe on a thread of its own, so that a slow
/// disk holds up nobody.
///
/// ```swift
/// let store = try MessageStore(folder: "/var/lib/vireo-host", waker: engine.waker)
/// let log = try store.open("/run/vm/7.sock")
/// store.append(row, epoch: epoch, through: number, to: log)
/// // woken:
/// for outcome in store.takeOutcomes() { ... session.stored(outcome.epoch, ...) }
/// ```
///
/// Source: protocol, "Session", acknowledgement: rows and K are written together before the ack.
public final class MessageStore: Sendable {
    /// One guest's place in the store.
    public struct Log: Hashable, Sendable {
        let index: Int
    }

    public struct Outcome: Sendable {
        public var log: Log
        public var epoch: SessionEpoch
        /// Everything up to here is safe.
        public var through: UInt64
        /// What went wrong; nothing that waited is safe then.
        public var failure: Errno?
    }

    private struct Entry {
        var log: Int
        var generation: Int
        var epoch: SessionEpoch
        var through: UInt64
        var lines: [UInt8]
    }

    private struct Guest {
        var name: String
        var log: GuestLog
        var waitingBytes = 0
        /// Entries of an earlier one were waiting when a write failed: they do not count.
        var generation = 0
        var hasFailed = false
    }

    private struct Box {
        var guests: [Guest] = []
        var entries: [Entry] = []
        var outcomes: [Outcome] = []
        var isEnding = false
        var isFlushing = false
    }

    private let folder: String
    private let lock: FileDescriptor
    private let box = Mutex(Box())
    private let work: WaitableEvent
    private let drained: WaitableEvent

    /// - Parameters:
    ///   - folder: of this user alone; made if it is missing, below one that is there.
    ///   - waker: of the loop that takes the outcomes.
    /// - Throws: `ProgramFailure` that says why the folder cannot be used.
    public init(folder: String, waker: Waker) throws(ProgramFailure) {
        self.folder = folder
        do throws(Errno) {
            try Folders.makePrivate(folder)
            work = try WaitableEvent()
            drained = try WaitableEvent()
        } catch {
            throw ProgramFailure(
                .inputOutput,
                "\(folder) cannot hold the state: \(error). Use a folder of your own, mode 0700.")
        }
        do throws(Errno) {
            lock = try Folders.lock(folder)
        } catch {
            throw ProgramFailure(
                .unavailable,
                "\(folder) is in use: \(error). Stop the other watch, or use another folder.")
        }
        do throws(Errno) {
            try WorkerThread.start(name: "vireo-store") { [self] in run(waker) }
        } catch {
            throw ProgramFailure(.tryAgain, "the store's thread cannot be started: \(error)")
        }
    }

    /// The place of the guest `name`, which is what its socket is called.
    public func open(_ name: String) throws(ProgramFailure) -> Log {
        let known = box.withLock { $0.guests.firstIndex { $0.name == name } }
        if let known { return Log(index: known) }
        let path = "\(folder)/\(Self.escaped(name))"
        let log: GuestLog
        do throws(Errno) {
            log = try GuestLog(folder: path)
        } catch {
            throw ProgramFailure(.inputOutput, "the state in \(path) cannot be read: \(error)")
        }
        return box.withLock { box in
            box.guests.append(Guest(name: name, log: log))
            return Log(index: box.guests.count - 1)
        }
    }

    /// What is safe of a guest, the last epoch last.
    public func epochs(of log: Log) -> [HostSession.StoredEpoch] {
        box.withLock { $0.guests[log.index].log }.epochs
    }

    /// A row, or none for numbers that were given up, and the number that K is at with it.
    ///
    /// - Parameters:
    ///   - row: a frame without its newline; `nil` for numbers that were given up.
    ///   - epoch: that the numbers are of.
    ///   - number: the row's own, at most `through`.
    ///   - through: K: everything up to this number is had or given up.
    ///   - log: the guest's.
    public func append(
        _ row: RawSpan?, epoch: SessionEpoch, number: UInt64, through: UInt64, to log: Log
    ) {
        var lines: [UInt8] = []
        if let row {
            lines = Array(copying: row)
            lines.append(0x0a)
        }
        if row == nil || through > number {
            lines += StateLine.passed(epoch, through: through)
        }
        box.withLock { box in
            let generation = box.guests[log.index].generation
            box.guests[log.index].waitingBytes += lines.count
            box.entries.append(
                Entry(
                    log: log.index, generation: generation, epoch: epoch, through: through,
                    lines: lines))
        }
        work.signal()
    }

    /// Whether so much of the guest waits that no more should be read from it.
    public func isFull(_ log: Log) -> Bool {
        box.withLock { $0.guests[log.index].waitingBytes } > StateLimits.waitingBytesMax
    }

    public func takeOutcomes() -> [Outcome] {
        box.withLock { box in
            defer { box.outcomes = [] }
            return box.outcomes
        }
    }

    /// Takes rows again, after a failure: what waited then is forgotten.
    public func resume(_ log: Log) {
        box.withLock { box in
            // Another link of the same log may have been here first, and its rows count.
            guard box.guests[log.index].hasFailed else { return }
            box.guests[log.index].generation += 1
            box.guests[log.index].hasFailed = false
        }
    }

    /// Waits until nothing waits.
    public func flush() {
        box.withLock { $0.isFlushing = true }
        work.signal()
        drained.wait()
    }

    public func end() {
        flush()
        box.withLock { $0.isEnding = true }
        work.signal()
    }

    // MARK: The thread

    private func run(_ waker: Waker) {
        while true {
            work.wait()
            while true {
                let entries = takeEntries()
                guard !entries.isEmpty else { break }
                let outcomes = write(entries)
                box.withLock { $0.outcomes += outcomes }
                waker.wake()
            }
            let (isFlushing, isEnding) = box.withLock { box in
                defer { box.isFlushing = false }
                return (box.isFlushing, box.isEnding)
            }
            if isFlushing { drained.signal() }
            if isEnding { return }
        }
    }

    private func takeEntries() -> [Entry] {
        box.withLock { box in
            let entries = box.entries
            box.entries = []
            for entry in entries { box.guests[entry.log].waitingBytes -= entry.lines.count }
            return entries.filter { entry in
                let guest = box.guests[entry.log]
                return entry.generation == guest.generation && !guest.hasFailed
            }
        }
    }

    /// One write and one sync a guest, however many rows.
    private func write(_ entries: [Entry]) -> [Outcome] {
        var outcomes: [Outcome] = []
        for index in Set(entries.map(\.log)) {
            var lines: [UInt8] = []
            var reached: [HostSession.StoredEpoch] = []
            for entry in entries where entry.log == index {
                lines += entry.lines
                let known = HostSession.StoredEpoch(epoch: entry.epoch, received: entry.through)
                GuestLog.note(known, in: &reached)
            }
            var failure: Errno?
            let log = box.withLock { $0.guests[index].log }
            do throws(Errno) {
                try log.write(lines, reached)
            } catch {
                failure = error
                box.withLock { $0.guests[index].hasFailed = true }
            }
            outcomes += reached.map {
                Outcome(
                    log: Log(index: index), epoch: $0.epoch, through: $0.received,
                    failure: failure)
            }
        }
        return outcomes
    }

    // MARK: Names

    /// A file name that stands for `name` and no other: what could mean something to a shell or a
    /// path is written as `%` and two digits, and a leading dot too.
    static func escaped(_ name: String) -> String {
        var result = ""
        for byte in name.utf8 {
            let scalar = Unicode.Scalar(byte)
            let isPlain =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
                || ("0"..."9").contains(scalar) || scalar == "-" || scalar == "_"
                || (scalar == "." && !result.isEmpty)
            if isPlain {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}

extension SessionEpoch {
    init(_ epoch: Wire.Epoch) { self.init(high: epoch.high, low: epoch.low) }
}

extension Wire.Epoch {
    init(_ epoch: SessionEpoch) { self.init(high: epoch.high, low: epoch.low) }
}
