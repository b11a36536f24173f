public import Wire

/// Signs commands for one guest, in one life of its agent.
///
/// ```swift
/// var signer = EnvelopeSigner(key: try KeyFile.load(path), machine: "vm-1", epoch: epoch)
/// let envelope = signer.sign(#"{"type":"Exec",...}"#)
/// ```
///
/// The counter begins where the caller says, above what the guest has seen of this key in this
/// epoch: milliseconds since 1970 do, where nothing better is kept.
public struct EnvelopeSigner: Sendable {
    public let key: Key
    public let machine: String
    public let epoch: Epoch
    /// What the next envelope counts as.
    public private(set) var counter: UInt64

    /// - Precondition: the key can sign and is none of InfiniService's; ``canSign(with:)``.
    public init(key: Key, machine: String, epoch: Epoch, counter: UInt64 = 1) {
        precondition(Self.canSign(with: key), "a key that verifies only cannot sign")
        self.key = key
        self.machine = machine
        self.epoch = epoch
        self.counter = counter
    }

    /// Whether our envelope can be signed with the key.
    public static func canSign(with key: Key) -> Bool {
        key.kind == .ed25519Private || key.kind == .hmacSHA256
    }

    /// Our envelope around a message, which is left as it is; `nil` when libcrypto has no memory.
    public mutating func sign(_ payload: String) -> SignedEnvelope? {
        func envelope(_ signature: String) -> SignedEnvelope {
            SignedEnvelope(
                payload: payload,
                authentication: .vireo(
                    algorithm: key.kind.envelopeAlgorithm ?? "", keyID: key.id, machine: machine,
                    epoch: epoch, counter: counter, signature: signature))
        }
        guard let text = envelope("").signedText, let signature = key.signature(of: text) else {
            return nil
        }
        let signed = envelope(Hexadecimal.encode(signature))
        // What comes after the greatest one is refused there; it must not end a program here.
        counter = max(counter, counter &+ 1)
        return signed
    }

    /// InfiniService's envelope around a message; `nil` for a key of another kind.
    public static func signInfiniService(
        _ payload: String, key: Key, milliseconds: Int64, nonce: String
    ) -> SignedEnvelope? {
        func envelope(_ signature: String) -> SignedEnvelope {
            SignedEnvelope(
                payload: payload,
                authentication: .infiniService(
                    milliseconds: milliseconds, nonce: nonce, signature: signature))
        }
        guard key.kind == .infiniService, let text = envelope("").signedText,
            let signature = key.signature(of: text)
        else { return nil }
        return envelope(Hexadecimal.encode(signature))
    }
}
