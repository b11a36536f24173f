import Kernel
import Wire

/// Which commands of this epoch are known, so that none runs twice.
///
/// A command is known by its `id`. While it runs, and for 60 s after the host acknowledged its
/// result, a repeat gets the one response that there is; afterwards it is told that it ran. What
/// was refused was not run, and is not remembered. Pure: moments come in, verdicts go out.
///
/// An action that only reads and was sent without an epoch is forgotten with its response: running
/// it again does no harm, and a host that asks for one every ten seconds would otherwise fill the
/// table within a week.
///
/// Source: protocol, "Commands".
struct CommandLedger {
    /// What to do with a command.
    enum Verdict: Hashable {
        /// It is new: run it under this key.
        case run(key: UInt64)
        /// It runs, or its response is on its way and will be sent until it is acknowledged.
        case underWay
        /// It ran: this was the response.
        case repeated(RelayedMessage)
        case refused(ErrorCode, reason: String)
    }

    private struct Entry {
        var id: String
        var hash: Int
        var isRemembered: Bool
        var response: RelayedMessage?
        var acknowledgedAt: MonotonicTime?
    }

    /// Everything that is not forgotten altogether, by key.
    private var entries: [UInt64: Entry] = [:]
    private var keys: [String: UInt64] = [:]
    /// Keys of entries whose result was acknowledged, the oldest first.
    private var acknowledged: [UInt64] = []
    /// Ids that ran, by a hash that nobody outside can foresee: Swift's, keyed at random.
    private var hashes: Set<Int> = []
    private var nextKey: UInt64 = 1
    private(set) var keptBytes = 0
    /// Commands without a last answer.
    private(set) var runningCount = 0
    /// Commands refused because the table was full.
    private(set) var refusedForMemory: UInt64 = 0

    let idsMax: Int
    let keptBytesMax: Int

    init(
        idsMax: Int = CommandRelayLimits.idsMax,
        keptBytesMax: Int = CommandRelayLimits.keptBytesMax
    ) {
        self.idsMax = idsMax
        self.keptBytesMax = keptBytesMax
    }

    /// Decides about a command.
    ///
    /// - Parameters:
    ///   - claimed: the epoch that it names, as text; `nil` when it names none.
    ///   - hasRoom: whether the room for its results is there.
    mutating func admit(
        id: String, kind: Command.Kind, binding: CommandBinding, claimed: String?, epoch: Epoch,
        hasRoom: Bool, at now: MonotonicTime
    ) -> Verdict {
        expire(at: now)
        if let claimed, Epoch(claimed) != epoch {
            return .refused(
                .stale, reason: "the command is for another life of the agent: read its handshake")
        }
        if binding == .none, kind != .safe {
            return .refused(
                .refusedByPolicy,
                reason: "a command that may change something names the agent's epoch, or is signed")
        }
        if let key = keys[id], let entry = entries[key] {
            guard let response = entry.response, entry.acknowledgedAt != nil else {
                return .underWay
            }
            return .repeated(response)
        }
        let hash = Self.hash(id)
        guard !hashes.contains(hash) else {
            return .refused(.alreadyRun, reason: "the command ran; its output is forgotten")
        }
        guard runningCount < RelayLimits.runningMax + RelayLimits.waitingMax, hasRoom else {
            return .refused(.busy, reason: "too many commands run and wait: send it again later")
        }
        return remember(id, hash, isRemembered: binding != .none)
    }

    private mutating func remember(_ id: String, _ hash: Int, isRemembered: Bool) -> Verdict {
        guard !isRemembered || hashes.count < idsMax else {
            refusedForMemory += 1
            return .refused(
                .busy,
                reason: "\(idsMax) commands are remembered, and no more: restart the agent")
        }
        if isRemembered { hashes.insert(hash) }
        let key = nextKey
        nextKey += 1
        entries[key] = Entry(id: id, hash: hash, isRemembered: isRemembered)
        keys[id] = key
        runningCount += 1
        return .run(key: key)
    }

    private static func hash(_ id: String) -> Int {
        var hasher = Hasher()
        hasher.combine(id)
        return hasher.finalize()
    }

    func key(of id: String) -> UInt64? { keys[id] }

    /// The key of a command that has no last answer yet.
    func runningKey(of id: String) -> UInt64? {
        guard let key = keys[id], entries[key]?.response == nil else { return nil }
        return key
    }

    /// Whether the command has no last answer yet.
    func isRunning(_ key: UInt64) -> Bool {
        guard let entry = entries[key] else { return false }
        return entry.response == nil
    }

    func id(of key: UInt64) -> String? { entries[key]?.id }

    /// The command was not run: it may be sent again.
    mutating func refused(_ key: UInt64) {
        guard isRunning(key), let entry = entries.removeValue(forKey: key) else { return }
        runningCount -= 1
        keys[entry.id] = nil
        if entry.isRemembered { hashes.remove(entry.hash) }
    }

    /// The command's last answer: kept for those who ask again.
    mutating func answered(_ key: UInt64, _ response: RelayedMessage) {
        guard entries[key] != nil, entries[key]?.response == nil else { return }
        entries[key]?.response = response
        runningCount -= 1
        keptBytes += response.byteCount
    }

    /// The host has the command's result: from now on it is kept for 60 s.
    mutating func acknowledged(_ key: UInt64, at now: MonotonicTime) {
        guard let entry = entries[key], entry.response != nil, entry.acknowledgedAt == nil else {
            return
        }
        entries[key]?.acknowledgedAt = now
        acknowledged.append(key)
        while keptBytes > keptBytesMax, !acknowledged.isEmpty { forgetOldest() }
    }

    /// When something is to be forgotten next.
    var nextExpiry: MonotonicTime? {
        acknowledged.first.flatMap { entries[$0]?.acknowledgedAt }
            .map { $0.adding(milliseconds: CommandRelayLimits.keptMilliseconds) }
    }

    mutating func expire(at now: MonotonicTime) {
        while let moment = nextExpiry, moment <= now { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let key = acknowledged.removeFirst()
        guard let entry = entries.removeValue(forKey: key) else { return }
        keys[entry.id] = nil
        keptBytes -= entry.response?.byteCount ?? 0
    }

    /// Keys of all commands without a last answer: what the executor took with it.
    var runningKeys: [UInt64] {
        entries.filter { $0.value.response == nil }.map(\.key).sorted()
    }
}

/// What the agent bounds about commands, each with its reason.
enum CommandRelayLimits {
    /// Ids remembered in an epoch: half a megabyte of hashes.
    static let idsMax = 65_536

    /// Milliseconds for which a response is repeated after it was acknowledged.
    static let keptMilliseconds: UInt64 = 60_000

    /// Bytes of responses kept for that; over it the oldest acknowledged go early.
    static let keptBytesMax = 4 << 20

    /// Bytes of the results' queue that each admitted command has for itself, beside the window
    /// that all share: chunks and responses wait in the executor until there is credit for them.
    static let answerBytes = 16_384

    /// Milliseconds before an executor that ended is started again.
    static let restartMilliseconds: UInt64 = 1000
}
