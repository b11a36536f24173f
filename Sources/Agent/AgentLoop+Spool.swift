import IOEngine
import Kernel
import Logging
import Port
import Session
import Spool
import Wire

/// The spool as the loop sees it: what earlier lives left, and whether it works.
struct AgentSpool {
    let spool: Spool
    /// Of earlier epochs, until all of it is acknowledged.
    var earlier: [SpooledFrames]
    /// Why messages are kept in memory alone for now; `nil` while they are not.
    var failure: SpoolFailure?
    /// What is kept is being written anew: how that ends is not known yet.
    var isBeginning = false
    /// The last number that is.
    var beginsThrough: UInt64 = 0
    /// Times that it failed, and messages that were never on disk, since the start.
    var failures: UInt64 = 0
    var messagesInMemory: UInt64 = 0

    /// - Returns: `nil` when the configuration has none.
    /// - Throws: `ProgramFailure` when the folder is not to be used.
    init?(
        _ configuration: AgentConfiguration, _ epoch: SessionEpoch, _ waker: Waker,
        _ logger: Logger
    ) throws(ProgramFailure) {
        guard let folder = configuration.spoolFolder else { return nil }
        let owner = SpoolOwner(
            machineID: MachineIdentity.machineID(), generation: MachineIdentity.generation())
        spool = try Spool(folder: folder, owner: owner, epoch: epoch) { waker.wake() }
        earlier = spool.earlier
        failure = spool.failure
        let report = spool.report
        if !report.isClean {
            logger.warning(
                """
                the spool was not whole: \(report.filesDiscarded) files of another machine \
                discarded, \(report.bytesCutOff) bad bytes cut off, \(report.messagesGivenUp) \
                messages behind them given up, \(report.metricsGivenUp) metrics over the limit \
                given up, \(report.filesLeft) files left for later\
                \(report.unreadable.map { ", \($0)" } ?? "")
                """)
        }
        if !earlier.isEmpty {
            let count = numbers.reduce(0) { $0 + $1.next - $1.first }
            logger.info("the spool has \(count) numbers of \(earlier.count) earlier epochs")
        }
    }

    var numbers: [SpooledNumbers] { earlier.map(\.numbers) }
    /// Messages are kept in memory alone, and the timer tries again.
    var isResting: Bool { failure != nil && !isBeginning }
}

/// How numbered messages get to the disk, and those of earlier epochs to the host.
///
/// A medium that fails costs nobody a message while the agent lives: it is said once, counted, and
/// everything goes on in memory until the medium takes all that is kept.
extension AgentLoop {
    /// A frame entered the data ring.
    func spoolFrame(_ number: UInt64, _ messageClass: MessageClass, bytes: Int) {
        guard let spool = spool?.spool, self.spool?.isResting == false else {
            self.spool?.messagesInMemory += 1
            session.madeDurable(session.epoch, through: number)
            return
        }
        channel.withNewest(bytes) { spool.append($0, number: number, messageClass) }
    }

    /// What is acknowledged need not be on disk any longer.
    func noteSpooled(_ actions: GuestSession.Actions) {
        if actions.releasedMessages > 0 {
            spool?.spool.acknowledged(through: session.acknowledgedNumber)
        }
        for epoch in actions.finishedEpochs {
            spool?.spool.finished(epoch)
            spool?.earlier.removeAll { $0.epoch == epoch }
            logger.info("all of the earlier epoch \(Epoch(epoch)) is acknowledged")
        }
    }

    /// All that is kept goes to the disk, from its start: after a failure, or in another epoch.
    func beginSpool() {
        guard let spool = spool?.spool else { return }
        engine.setTimer(Key.spool, at: nil)
        // With nothing to write, the next message shows whether it works.
        self.spool!.isBeginning = self.spool!.failure != nil
        self.spool!.beginsThrough = session.next - 1
        spool.begin(session.epoch, through: session.next - 1)
        if let range = session.givenUpBeforeKept { spool.append(givenUp: range) }
        var rest = session.keptBytes
        session.forEachKept { number, messageClass, bytes in
            // The frames stand one behind the other, up to the ring's newest byte.
            channel.withNewest(rest) {
                spool.append($0.extracting(first: bytes), number: number, messageClass)
            }
            rest -= bytes
        }
    }

    func takeSpoolOutcomes() {
        guard let spool = spool?.spool else { return }
        for outcome in spool.takeOutcomes() {
            if let failure = outcome.failure {
                spoolFailed(failure)
            } else {
                session.madeDurable(outcome.epoch, through: outcome.through)
                let isWhole = outcome.through >= self.spool!.beginsThrough
                if isWhole, outcome.epoch == session.epoch { spoolWorks() }
            }
        }
    }

    private func spoolFailed(_ failure: SpoolFailure) {
        spool!.failures += 1
        if spool!.failure == nil {
            logger.warning("the spool failed: \(failure). Messages are kept in memory alone")
        }
        spool!.failure = failure
        spool!.isBeginning = false
        restSpool()
        statusChanged()
    }

    /// Nothing waits for the medium, which is tried again later.
    func restSpool() {
        spool!.messagesInMemory += UInt64(session.undurableMessages)
        session.madeDurable(session.epoch, through: session.next - 1)
        let next = MonotonicTime.now.adding(milliseconds: SpoolLimits.retryMilliseconds)
        engine.setTimer(Key.spool, at: next)
    }

    private func spoolWorks() {
        guard spool!.failure != nil, spool!.isBeginning else { return }
        spool!.failure = nil
        spool!.isBeginning = false
        logger.notice(
            "the spool works again; \(spool!.messagesInMemory) messages were in memory alone")
        statusChanged()
    }

    /// Messages of earlier epochs leave before all others, byte for byte as they were written.
    func grantEarlier(at now: UInt64) {
        while channel.freeEarlierBytes >= SessionLimits.frameBytesMax,
            let departure = session.nextEarlierDeparture(at: now)
        {
            switch departure {
            case .frame(let epoch, let number, _):
                guard let frames = spool?.earlier.first(where: { $0.epoch == epoch }) else {
                    preconditionFailure("the session knows an epoch that is not in the spool")
                }
                let bytes = frames[number]
                let isIn = channel.appendEarlier { space in
                    var space = space
                    return space.fill(Array(bytes))
                }
                precondition(isIn, "room for a frame was there")
            case .skipped(let epoch, let range):
                let skipped = Skipped(
                    epoch: Epoch(epoch), range: NumberRange(range),
                    wallMilliseconds: WallTime.now.millisecondsSince1970)
                let isIn = channel.appendEarlier { space in
                    var writer = JSONWriter(space)
                    guard case .written(let count) = skipped.encode(into: &writer) else {
                        return 0
                    }
                    return count
                }
                precondition(isIn, "room for a frame was there")
            }
        }
    }

    /// For the status line; `nil` when there is nothing to say.
    var spoolState: String? {
        guard let spool else { return nil }
        if let failure = spool.failure {
            return "spool resting (\(failure); \(spool.messagesInMemory) in memory alone)"
        }
        let earlier = session.earlierMessages
        return earlier > 0 ? "spool has \(earlier) earlier messages" : "spool on"
    }
}
