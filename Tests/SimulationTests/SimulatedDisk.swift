import Session
import Spool

/// A spool's files on a medium that takes its time: what was not synced may be lost, in any byte.
/// The files are laid out as the real ones are.
struct SimulatedDisk {
    private struct Part {
        var epoch: SessionEpoch
        var bytes: [UInt8]
        var synced = 0
        /// Of this life of the agent.
        var isOwn = true
        /// Of no use once all that is kept is safe in another one.
        var isReplaced = false
    }

    private static let owner = SpoolOwner(machineID: "one", generation: "")

    private var parts: [Part] = []
    private var seed: UInt32 = 0
    private var isOpen = false
    private var begins = true
    private var index: UInt64 = 0
    /// The number that the next sync makes safe.
    private var writtenThrough: UInt64 = 0
    private var pending: [Ledger.Message] = []
    /// After a failure, until it is begun anew.
    private(set) var isResting = false
    /// What of its own epoch is safe.
    private(set) var syncedThrough: UInt64 = 0
    private(set) var tornBytes = 0

    mutating func append(
        _ frame: [UInt8], _ epoch: SessionEpoch, _ number: UInt64, _ message: Ledger.Message
    ) {
        guard !isResting else { return }
        open(epoch)
        SpoolFormat.append(
            frame, number: number, message.messageClass, seed: seed,
            to: &parts[parts.count - 1].bytes)
        writtenThrough = number
        pending.append(message)
    }

    mutating func giveUp(_ range: SessionRange, _ epoch: SessionEpoch) {
        open(epoch)
        SpoolFormat.append(givenUp: range, seed: seed, to: &parts[parts.count - 1].bytes)
    }

    private mutating func open(_ epoch: SessionEpoch) {
        if !isOpen {
            let header = SpoolFormat.encode(
                .init(owner: Self.owner, epoch: epoch, ordinal: 1, index: index, begins: begins))
            index += 1
            begins = false
            isOpen = true
            parts.append(Part(epoch: epoch, bytes: header))
            seed = SpoolFormat.seed(of: header.span.bytes)
        }
    }

    /// - Returns: up to where numbers are safe; `nil` when nothing was to be made safe.
    mutating func sync(_ ledger: Ledger) -> UInt64? {
        guard !isResting, !pending.isEmpty else { return nil }
        parts.removeAll { $0.isReplaced }
        for place in parts.indices { parts[place].synced = parts[place].bytes.count }
        ledger.madeDurable(pending)
        pending = []
        syncedThrough = writtenThrough
        return syncedThrough
    }

    /// All that is kept follows.
    mutating func begin(anotherEpoch: Bool) {
        for place in parts.indices where parts[place].isOwn { parts[place].isReplaced = true }
        isOpen = false
        isResting = false
        begins = true
        pending = []
        if anotherEpoch { syncedThrough = 0 }
    }

    /// Everything of its own epoch is acknowledged.
    mutating func release() {
        guard pending.isEmpty, isOpen, !isResting, parts.last?.isOwn == true else { return }
        guard parts[parts.count - 1].bytes.count > 4096 else { return }
        parts[parts.count - 1].bytes.removeLast(
            parts[parts.count - 1].bytes.count - SpoolFormat.headerBytes)
        parts[parts.count - 1].synced = SpoolFormat.headerBytes
    }

    mutating func remove(_ epoch: SessionEpoch) {
        parts.removeAll { $0.epoch == epoch && !$0.isOwn }
    }

    /// A write fails, and half of it stays.
    mutating func fail(_ random: inout SplitMix) {
        cut(&random, leavesJunk: false)
        isOpen = false
        isResting = true
        pending = []
    }

    /// The process ends, or the power does.
    mutating func crash(_ random: inout SplitMix, leavesJunk: Bool) {
        cut(&random, leavesJunk: leavesJunk)
        for place in parts.indices {
            parts[place].isOwn = false
            parts[place].isReplaced = false
            parts[place].synced = parts[place].bytes.count
        }
        isOpen = false
        isResting = false
        begins = true
        index = 0
        pending = []
        syncedThrough = 0
        writtenThrough = 0
    }

    private mutating func cut(_ random: inout SplitMix, leavesJunk: Bool) {
        for place in parts.indices where parts[place].bytes.count > parts[place].synced {
            let unsafe = parts[place].bytes.count - parts[place].synced
            let lost = random.oneIn(3) ? 0 : random.below(unsafe + 1)
            tornBytes += lost
            parts[place].bytes.removeLast(lost)
            if leavesJunk, lost > 0, random.oneIn(2) {
                for _ in 0..<random.below(200) {
                    parts[place].bytes.append(UInt8(random.below(256)))
                }
            }
            parts[place].synced = parts[place].bytes.count
        }
    }

    /// What a new agent reads at its start.
    mutating func read(_ ledger: Ledger) -> [SpooledFrames] {
        var readers: [(epoch: SessionEpoch, reader: SpoolEpochReader)] = []
        for part in parts {
            let place =
                readers.firstIndex { $0.epoch == part.epoch }
                ?? {
                    readers.append((part.epoch, SpoolEpochReader(owner: Self.owner)))
                    return readers.count - 1
                }()
            if readers[place].reader.take(part.bytes) == .foreign { ledger.fail("a foreign file") }
            if readers[place].reader.messagesGivenUp > 0 { ledger.fail("good files are given up") }
        }
        let whole = readers.compactMap(\.reader.frames).filter { !$0.numbers.isEmpty }
        parts.removeAll { part in !whole.contains { $0.epoch == part.epoch } }
        return Array(whole.prefix(SpoolLimits.earlierEpochsMax))
    }
}
