public import Kernel
public import Wire

/// Finds out who signed an envelope, and that it was not seen before.
///
/// ```swift
/// var verifier = EnvelopeVerifier(keys: ring, machine: vmID, epoch: epoch, startedAt: .now)
/// switch verifier.verify(envelope, at: .now) {
/// case .verified(let payload, let keyID): decide(payload, authority: .signed(keyID))
/// case .unsigned(let payload): decide(payload, authority: .none)
/// case .refused(let refusal): answer(refusal)
/// }
/// ```
///
/// It fails closed: an envelope that is not understood is refused. It holds the numbers of one
/// epoch: after a restart there is another epoch, and what was signed for the one before is
/// ``EnvelopeRefusal/stale``. Whoever starts again within an epoch has to go on from ``counters``.
///
/// InfiniService's envelope names no epoch. It is refused when it is older than this agent or than
/// its window, and each of its nonces is taken once. Without a key for it, its contents count as
/// unsigned.
public struct EnvelopeVerifier: Sendable {
    public private(set) var keys: KeyRing
    public let machine: String
    public let epoch: Epoch
    /// The greatest counter seen of each key in this epoch.
    public private(set) var counters: [String: UInt64]
    private var nonces: NonceTable
    private let startedAt: BootTime

    /// - Parameters:
    ///   - keys: those that may sign.
    ///   - machine: what the agent calls itself.
    ///   - epoch: the agent's current one.
    ///   - startedAt: when the agent started, or later.
    ///   - counters: of another verifier of this epoch.
    public init(
        keys: KeyRing, machine: String, epoch: Epoch, startedAt: BootTime,
        counters: [String: UInt64] = [:]
    ) {
        self.keys = keys
        self.machine = machine
        self.epoch = epoch
        self.startedAt = startedAt
        self.counters = counters
        nonces = NonceTable()
    }

    /// Takes other keys, as another policy has them; what was seen stays seen.
    public mutating func replaceKeys(_ keys: KeyRing) {
        self.keys = keys
    }

    /// What becomes of an envelope. Only one that holds leaves a trace here.
    public mutating func verify(
        _ envelope: SignedEnvelope, at clocks: EnvelopeClocks
    ) -> Verification {
        guard let text = envelope.signedText, let authentication = envelope.authentication else {
            return .refused(.malformed)
        }
        let refusal: EnvelopeRefusal?
        let keyID: String
        switch authentication {
        case .vireo(let algorithm, let id, let machine, let epoch, let counter, let signature):
            guard let key = keys.key(id, algorithm: algorithm) else { return .refused(.unknownKey) }
            guard holds(signature, text, key) else { return .refused(.wrongSignature) }
            keyID = id
            refusal = take(counter, of: id, machine: machine, epoch: epoch)
        case .infiniService(let milliseconds, let nonce, let signature):
            let candidates = keys.infiniService
            guard !candidates.isEmpty else { return .unsigned(envelope.payload) }
            guard let key = candidates.first(where: { holds(signature, text, $0) }) else {
                return .refused(.wrongSignature)
            }
            keyID = key.id
            refusal = take(nonce, signedAt: milliseconds, clocks)
        }
        if let refusal { return .refused(refusal) }
        return .verified(envelope.payload, keyID: keyID)
    }

    private func holds(_ signature: String, _ text: String, _ key: Key) -> Bool {
        guard let bytes = Hexadecimal.decode(signature) else { return false }
        return key.verifies(bytes, of: text)
    }

    private mutating func take(
        _ counter: UInt64, of keyID: String, machine: String, epoch: Epoch
    ) -> EnvelopeRefusal? {
        guard machine == self.machine else { return .otherMachine }
        guard epoch == self.epoch else { return .stale }
        guard counter > counters[keyID, default: 0] else { return .replayed }
        counters[keyID] = counter
        return nil
    }

    private mutating func take(
        _ nonce: String, signedAt milliseconds: Int64, _ clocks: EnvelopeClocks
    ) -> EnvelopeRefusal? {
        let (age, overflow) = clocks.wallMilliseconds.subtractingReportingOverflow(milliseconds)
        guard !overflow, age.magnitude <= EnvelopeLimits.windowMilliseconds else {
            return .outsideWindow
        }
        guard age <= Int64(clamping: clocks.boot.milliseconds(since: startedAt)) else {
            return .olderThanAgent
        }
        return nonces.take(nonce, signedAt: milliseconds, at: clocks.boot)
    }
}

/// What is bounded about envelopes, each with its reason.
public enum EnvelopeLimits {
    /// How far the signer's clock may be from ours. Source: InfiniService's host.
    public static let windowMilliseconds: UInt64 = 300_000
    /// How long a nonce is remembered: both sides of the window.
    public static let nonceMilliseconds: UInt64 = 600_000
    /// Nonces at one time, 13 a second; more are refused rather than forgotten.
    public static let noncesMax = 8192
    /// A UUID has 36.
    public static let nonceBytesMax = 64
}

/// The time, as two clocks have it.
public struct EnvelopeClocks: Hashable, Sendable {
    /// Milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64
    public var boot: BootTime

    public init(wallMilliseconds: Int64, boot: BootTime) {
        self.wallMilliseconds = wallMilliseconds
        self.boot = boot
    }

    public static var now: EnvelopeClocks {
        EnvelopeClocks(wallMilliseconds: WallTime.now.millisecondsSince1970, boot: .now)
    }
}

/// What an envelope is worth.
public enum Verification: Hashable, Sendable {
    /// The message inside was signed with that key, and is seen for the first time.
    case verified(String, keyID: String)
    /// InfiniService's envelope where there is no key for it: its message is nobody's.
    case unsigned(String)
    case refused(EnvelopeRefusal)
}

/// Why an envelope is not taken.
public enum EnvelopeRefusal: Hashable, Sendable, CustomStringConvertible {
    case malformed
    case unknownKey
    case wrongSignature
    case otherMachine
    /// For another life of the agent: the wire calls it `STALE`.
    case stale
    case replayed
    case outsideWindow
    case olderThanAgent
    case tableFull

    /// What is wrong, and what the sender has to do.
    public var description: String {
        switch self {
        case .malformed:
            "a member of the envelope is missing or not as it should be: see the protocol"
        case .unknownKey: "no key of that id and algorithm is in the policy: add it to \"keys\""
        case .wrongSignature: "the signature does not hold: use the key that the policy has"
        case .otherMachine: "it was signed for another machine: sign it for the vm of the handshake"
        case .stale: "it was signed for another epoch: sign it for the one of the last handshake"
        case .replayed: "its counter or nonce was seen before: sign it anew"
        case .outsideWindow:
            "its time is more than \(EnvelopeLimits.windowMilliseconds / 60_000) minutes from the "
                + "guest's: set the clocks"
        case .olderThanAgent: "it was signed before the agent started: sign it anew"
        case .tableFull: "too many envelopes in ten minutes: send fewer, or use our envelope"
        }
    }
}
