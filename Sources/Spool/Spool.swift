public import Kernel
public import Session
import Synchronization

/// Numbered messages on disk, so that they outlive their agent and a power cut: written and synced
/// on a thread of its own, so that a slow disk holds up nobody.
///
/// ```swift
/// let spool = try Spool(folder: "/var/lib/vireo/spool", owner: owner, epoch: epoch) { wake() }
/// for earlier in spool.earlier { ... }                 // what an earlier life left
/// spool.append(frame, number: 1, .result)
/// // woken:
/// for outcome in spool.takeOutcomes() { session.madeDurable(outcome.epoch, ...) }
/// spool.acknowledged(through: 1)
/// ```
///
/// After a failure nothing is written until ``begin(_:through:)``, which the owner calls from time
/// to time and behind which it appends all that it keeps.
///
/// An epoch is never gone on with after its process has ended, so that no number has to be reserved
/// ahead: each is on the medium together with its bytes before it leaves.
///
/// Source: protocol, "Session", disk; `Session.docc/Session.md`, "Wiring a spool".
public final class Spool: Sendable {
    public struct Outcome: Sendable {
        public var epoch: SessionEpoch
        /// Everything up to here is on the medium.
        public var through: UInt64
        /// What went wrong; nothing behind `through` is on the medium then.
        public var failure: SpoolFailure?
    }

    private enum Work {
        case frame(number: UInt64, MessageClass, [UInt8])
        /// All that is kept follows, in this epoch.
        case begin(SessionEpoch, through: UInt64)
        case givenUp(SessionRange)
        case acknowledged(UInt64)
        case finished([String])
    }

    private struct Box {
        var work: [Work] = []
        var outcomes: [Outcome] = []
    }

    /// What earlier epochs left, the oldest first.
    public let earlier: [SpooledFrames]
    public let report: SpoolReport
    /// The folder cannot be used yet; ``begin(_:through:)`` tries again.
    public let failure: SpoolFailure?
    private let box = Mutex(Box())
    private let event: WaitableEvent

    /// - Parameters:
    ///   - folder: of this user alone; made if it is missing, below one that is there.
    ///   - owner: the machine that this is now; what another left is not its own.
    ///   - epoch: this agent's own.
    ///   - wake: called from the spool's thread when there are outcomes.
    /// - Throws: `ProgramFailure` when the folder is none of this user's, or in use. A medium
    ///   that is full, read-only or broken is a ``failure``.
    public init(
        folder: String, owner: SpoolOwner, epoch: SessionEpoch,
        wake: @escaping @Sendable () -> Void
    ) throws(ProgramFailure) {
        var contents = SpoolContents()
        var failure: SpoolFailure?
        var lock: FileDescriptor?
        do throws(Errno) {
            try Folders.makePrivate(folder)
            lock = try Folders.lock(folder)
            contents = try SpoolFolder.read(folder, owner: owner)
        } catch {
            failure = .medium(try Self.survivable(error, folder))
        }
        earlier = contents.epochs
        report = contents.report
        self.failure = failure
        do throws(Errno) {
            event = try WaitableEvent()
            var writer = SpoolWriter(
                folder: folder, owner: owner, epoch: epoch, lock: lock.take(),
                ordinal: contents.nextOrdinal, bytes: contents.fileBytes)
            if failure != nil { writer.rest() }
            let parked = Mutex<SpoolWriter?>(writer)
            try WorkerThread.start(name: "vireod-spool") { [self] in
                guard var writer = parked.withLock({ $0.take() }) else { return }
                while true {
                    event.wait()
                    run(&writer, wake)
                }
            }
        } catch {
            throw ProgramFailure(.tryAgain, "the spool's thread cannot be started: \(error)")
        }
    }

    /// - Returns: an error that may pass by itself.
    private static func survivable(
        _ error: Errno, _ folder: String
    ) throws(ProgramFailure) -> Errno {
        switch error {
        case .accessDenied, .notPermitted:
            throw ProgramFailure(
                .permission,
                "\(folder) cannot hold the spool: \(error). Use a folder of the agent's own user, "
                    + "mode 0700.")
        case .notFound, .notFolder:
            throw ProgramFailure(
                .usage,
                "\(folder) cannot hold the spool: \(error). Make the folder that it is to stand in."
            )
        case .again:
            throw ProgramFailure(
                .unavailable,
                "\(folder) is in use. Stop the other agent, or give each a folder of its own.")
        default: return error
        }
    }

    // MARK: For the owner's thread

    /// A frame with its newline, which has got its number.
    public func append(_ frame: RawSpan, number: UInt64, _ messageClass: MessageClass) {
        add(.frame(number: number, messageClass, Array(copying: frame)))
    }

    /// Numbers that were given up, and that the other side has not acknowledged.
    public func append(givenUp range: SessionRange) {
        add(.givenUp(range))
    }

    /// Starts anew: what is appended from here on is all that is kept, of an epoch that may be
    /// another one. What stands in earlier files of this process goes away once that is safe.
    ///
    /// - Parameters:
    ///   - epoch: of what is appended from here on.
    ///   - last: the last number that is appended anew, 0 for none. Up to it both stand on the
    ///     medium, and nothing goes away.
    public func begin(_ epoch: SessionEpoch, through last: UInt64) {
        add(.begin(epoch, through: last))
    }

    /// Everything up to `number` of this epoch is safe on the other side.
    public func acknowledged(through number: UInt64) {
        add(.acknowledged(number))
    }

    /// Everything of an earlier epoch is safe on the other side: its files go away.
    public func finished(_ epoch: SessionEpoch) {
        guard let frames = earlier.first(where: { $0.epoch == epoch }) else { return }
        add(.finished(frames.files))
    }

    public func takeOutcomes() -> [Outcome] {
        box.withLock { box in
            defer { box.outcomes = [] }
            return box.outcomes
        }
    }

    private func add(_ work: Work) {
        box.withLock { $0.work.append(work) }
        event.signal()
    }

    // MARK: The spool's thread

    private func run(_ writer: inout SpoolWriter, _ wake: () -> Void) {
        while true {
            let work = box.withLock { box in
                defer { box.work = [] }
                return box.work
            }
            guard !work.isEmpty else { return }
            for one in work {
                switch one {
                case .frame(let number, let messageClass, let frame):
                    writer.append(frame, number: number, messageClass)
                case .givenUp(let range): writer.append(givenUp: range)
                case .begin(let epoch, let last): writer.begin(epoch, through: last)
                case .acknowledged(let number): writer.acknowledged(through: number)
                case .finished(let files): writer.remove(files)
                }
            }
            // One write and one sync, however many frames.
            guard let outcome = writer.flush() else { continue }
            box.withLock { $0.outcomes.append(outcome) }
            wake()
        }
    }
}

/// Why messages are kept in memory alone.
public enum SpoolFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the kernel says of the medium.
    case medium(Errno)
    /// All files together are at ``SpoolLimits/bytesMax``.
    case full

    public var description: String {
        switch self {
        case .medium(let errno): "\(errno)"
        case .full: "it is at its limit of \(SpoolLimits.bytesMax) bytes"
        }
    }
}
