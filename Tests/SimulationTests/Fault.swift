/// What goes wrong in a simulation. Each kind is counted, and none may stay at 0 over a batch.
enum Fault: Int, CaseIterable {
    /// The host leaves and comes back; what is in flight is lost.
    case hostLeaves
    /// The host's process ends in the middle of a write; what its store had not finished is gone.
    case hostKilled
    /// Another connection in the same moment: the guest sees no edge.
    case hostReplacedUnseen
    case observerAttached
    case plainHostAttached
    /// The agent's process ends, and another one opens the port.
    case guestKilled
    /// The same after a part of a frame was written.
    case guestKilledInMidFrame
    /// The agent ends and what its disk had not synced is lost, in any byte.
    case powerCut
    /// The guest's disk takes nothing for a while.
    case diskFails
    /// A host that does not know of spooled epochs.
    case olderHostAttached
    case unplugged
    /// The same while the host stays connected: it sees no edge.
    case unpluggedUnseen
    case clockJump
    case slowHost
    case slowGuest
    /// A write of whole frames vanishes while the host stays.
    case framesLost
    /// The host's store loses what it had not written.
    case storeFails
    /// The guest must give up metrics that have numbers.
    case memoryPressure
    case snapshotTaken
    case snapshotRestored
    case snapshotRestoredTwice
    case generationChanged
}

/// Bugs that somebody could have written, put back one at a time to show that the checks bite.
enum PlausibleBug: CaseIterable {
    /// The host acknowledges what its store has not finished.
    case acknowledgeBeforeStoring
    /// The guest resends from K, which is acknowledged, instead of K+1.
    case resendFromK
    /// The guest's handshake is glued to whatever half frame is in the pipe.
    case noNewline
    /// The guest takes an ack of an earlier epoch for one of its own.
    case epochNotChecked
    /// The host keeps K by guest, and does not begin at 0 with a new epoch.
    case counterNotReset
    /// The guest sends what its disk has not synced.
    case leavesBeforeItIsDurable
    /// A new agent does not read the spool.
    case spoolForgotten
}

/// What a batch of runs came to.
struct Tally {
    var runs = 0
    var faults = [Int](repeating: 0, count: Fault.allCases.count)
    var frames = 0
    var rows = 0
    var framesMin = Int.max
    var faultsMin = Int.max
    var bytesLost = 0
    var writesShort = 0
    var writesRefused = 0
    var bytesDiscarded = 0
    var writesWithoutHost = 0
    var hostBytesLost = 0
    var slotsLeaked = 0
    var staleBytes = 0
    var halfFrames = 0
    var unnumberedFrames = 0
    var numbersGivenUp = 0
    var rollbacks = 0
    var fallbacksToPlain = 0
    var sessionsWithoutProgress = 0
    var duplicates = 0
    var jumps = 0
    var staleAcknowledgements = 0
    var peakKeptBytes = 0
    var messagesFromDisk = 0
    var earlierSent = 0
    var tornBytes = 0

    /// The behaviours of the port and of both sessions that a batch must have seen.
    var observed: [(String, Int)] {
        [
            ("bytes lost in flight", bytesLost), ("short writes", writesShort),
            ("bytes of input discarded", bytesDiscarded),
            ("writes refused, queue full", writesRefused),
            ("writes without a host", writesWithoutHost),
            ("bytes of hosts lost", hostBytesLost), ("slots leaked", slotsLeaked),
            ("bytes kept for a closed port", staleBytes), ("half frames read", halfFrames),
            ("unnumbered frames", unnumberedFrames), ("numbers given up", numbersGivenUp),
            ("roll-backs noticed", rollbacks), ("plain hosts", fallbacksToPlain),
            ("sessions without progress", sessionsWithoutProgress),
            ("duplicates dropped", duplicates), ("jumps noticed", jumps),
            ("acks ignored", staleAcknowledgements), ("messages read from disk", messagesFromDisk),
            ("messages of earlier epochs sent", earlierSent),
            ("bytes torn off a disk", tornBytes),
        ]
    }

    mutating func add(_ run: Simulation) {
        runs += 1
        let struck = run.faults.reduce(0, +)
        for index in faults.indices { faults[index] += run.faults[index] }
        frames += run.ledger.framesRead
        rows += run.ledger.rowsStored
        framesMin = min(framesMin, run.ledger.framesRead)
        faultsMin = min(faultsMin, struck)
        bytesLost += run.port.bytesLost
        writesShort += run.port.writesShort
        bytesDiscarded += run.port.bytesDiscarded
        writesRefused += run.port.writesRefused
        writesWithoutHost += run.port.writesWithoutHost
        hostBytesLost += run.port.hostBytesLost
        slotsLeaked += run.port.slotsLeaked
        staleBytes += run.port.bytesKeptWhileClosed
        halfFrames += run.ledger.halfFrames
        unnumberedFrames += run.ledger.unnumberedRead
        numbersGivenUp += run.ledger.messagesGivenUp
        rollbacks += run.ledger.rollbacks
        messagesFromDisk += run.ledger.messagesRead
        tornBytes += run.tornBytes
        for counters in run.guestCounters {
            earlierSent += Int(counters.messagesOfEarlierEpochs)
            fallbacksToPlain += Int(counters.fallbacksToPlain)
            sessionsWithoutProgress += Int(counters.sessionsWithoutProgress)
            staleAcknowledgements += Int(
                counters.acknowledgementsStale + counters.acknowledgementsOfOtherEpochs)
        }
        for counters in run.hostCounters {
            duplicates += Int(counters.duplicates)
            jumps += Int(counters.jumps)
        }
        peakKeptBytes = max(peakKeptBytes, run.peakKeptBytes)
    }

    func report(seconds: Double) -> String {
        var lines = [
            "\(runs) runs, \(Int(Double(runs) / seconds)) a second; \(frames) frames read, "
                + "\(rows) stored, at least \(framesMin) frames and \(faultsMin) faults a run, "
                + "at most \(peakKeptBytes) bytes kept"
        ]
        lines += Fault.allCases.map { "  \($0): \(faults[$0.rawValue])" }
        lines += observed.map { "  \($0.0): \($0.1)" }
        return lines.joined(separator: "\n")
    }
}
