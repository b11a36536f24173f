import Session

/// What is true, seen from above: every number that was given, every row that is on the disk. All
/// checks are made against it, after every step, and the first that fails ends the run.
final class Ledger {
    struct Key: Hashable {
        var epoch: SessionEpoch
        var number: UInt64
    }

    struct Message: Equatable {
        var id: UInt64
        var messageClass: MessageClass
        var padding: Int
    }

    private(set) var violation: String?
    private var entered: [Key: Message] = [:]
    private var givenUp: Set<Key> = []
    private var givenUpIDs: Set<UInt64> = []
    /// Messages that were safe on a guest's disk: they outlive its agent.
    private(set) var durable: Set<UInt64> = []
    private(set) var messagesRead = 0
    /// The rows on the host's disk: they outlive everything.
    private var rows: [Key: UInt64] = [:]
    private var lastRow: [SessionEpoch: UInt64] = [:]
    private var deliveries: [UInt64: Int] = [:]
    /// Messages of a guest that was restored from a snapshot: at least once is what is promised.
    private var mayRepeat: Set<UInt64> = []
    private(set) var rowsStored = 0
    private(set) var messagesEntered = 0
    private(set) var framesRead = 0
    private(set) var messagesGivenUp = 0
    private(set) var rollbacks = 0
    private(set) var halfFrames = 0
    private(set) var unnumberedRead = 0
    /// Folded over everything stored: the same for the same seed.
    private(set) var digest: UInt64 = 0

    func fail(_ text: @autoclosure () -> String) {
        if violation == nil { violation = text() }
    }

    // MARK: The guest

    func enter(_ epoch: SessionEpoch, _ number: UInt64, _ message: Message) {
        messagesEntered += 1
        let key = Key(epoch: epoch, number: number)
        if let other = entered[key], other != message, rows[key] != nil {
            fail("number \(number) was given again, to \(message.id) after \(other.id)")
        }
        entered[key] = message
    }

    func giveUp(_ epoch: SessionEpoch, _ number: UInt64, _ message: Message) {
        messagesGivenUp += 1
        if message.messageClass != .metrics { fail("\(message.messageClass) was given up") }
        givenUp.insert(Key(epoch: epoch, number: number))
        givenUpIDs.insert(message.id)
    }

    func madeDurable(_ messages: [Message]) {
        for message in messages { durable.insert(message.id) }
    }

    /// A snapshot has the disk of its moment.
    func restoreDurable(_ ids: Set<UInt64>) { durable = ids }

    /// A new agent found this in a spool.
    func foundOnDisk(_ epoch: SessionEpoch, _ number: UInt64, _ message: Message) {
        messagesRead += 1
        if entered[Key(epoch: epoch, number: number)] != message {
            fail("number \(number) stands in the spool with other bytes")
        }
    }

    /// At the end: what was safe on a disk has been delivered.
    func checkDurable() {
        for id in durable where deliveries[id] == nil && !givenUpIDs.contains(id) {
            fail("message \(id) was safe on the guest's disk, and is lost")
        }
    }

    /// The guest lets go of a message: it must be safe, or declared lost.
    func release(_ epoch: SessionEpoch, _ number: UInt64, _ message: Message) {
        let key = Key(epoch: epoch, number: number)
        guard rows[key] != message.id, !givenUp.contains(key) else { return }
        fail("number \(number) was let go of, and is not stored: \(message)")
    }

    func rolledBack(wasRestored: Bool) {
        rollbacks += 1
        if !wasRestored { fail("a new epoch began although no snapshot was restored") }
    }

    func restored(_ messages: [Message]) {
        for message in messages { mayRepeat.insert(message.id) }
    }

    // MARK: The host

    func read(_ kind: SimulatedLine.Kind) {
        framesRead += 1
        if kind == .unnumbered { unnumberedRead += 1 }
    }

    func readHalf(_ line: ArraySlice<UInt8>) {
        halfFrames += 1
        if SimulatedLine.isGlued(line) { fail("a whole frame was glued to a half one") }
    }

    func store(_ epoch: SessionEpoch, _ number: UInt64, _ message: Message) {
        let key = Key(epoch: epoch, number: number)
        rowsStored += 1
        digest = (digest ^ message.id &+ number << 20) &* 0x0000_0100_0000_01B3
        guard entered[key] == message else {
            return fail("number \(number) is stored with other bytes: \(message)")
        }
        let last = lastRow[epoch, default: 0]
        if number <= last { fail("number \(number) is stored after \(last)") }
        for missing in (last + 1)..<max(number, last + 1)
        where !givenUp.contains(Key(epoch: epoch, number: missing)) {
            fail("number \(number) is stored after \(last): \(missing) is missing")
        }
        lastRow[epoch] = number
        rows[key] = message.id
        deliveries[message.id, default: 0] += 1
        if deliveries[message.id]! > 1, !mayRepeat.contains(message.id) {
            fail("message \(message.id) is stored twice")
        }
    }
}
