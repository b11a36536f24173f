import CCrypto
import Kernel

/// A key with what it is made of, which is never shown.
///
/// A secret one lies in memory of its own, which is kept from swap and core dumps and is wiped when
/// the key goes. Source: RFC 8032 (Ed25519), RFC 2104 (HMAC).
public struct Key: Sendable {
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case ed25519Public = "ed25519-public"
        case ed25519Private = "ed25519-private"
        case hmacSHA256 = "hmac-sha256"
        case infiniService = "infiniservice"
    }

    public let id: String
    public let kind: Kind
    private let material: SecretBytes

    /// Bytes of an Ed25519 key, private (its seed) or public.
    static let ed25519Bytes = 32
    static let ed25519SignatureBytes = 64
    /// Shorter ones can be guessed; longer ones than a block are hashed first.
    static let hmacBytesRange = 16...128
    static let hmacCodeBytes = 32
    /// InfiniService's secret: hexadecimal digits, which are the key as they stand.
    static let infiniServiceBytes = 64

    /// - Throws: ``KeyError/wrongLength(_:)``.
    init(id: String, kind: Kind, material: SecretBytes) throws(KeyError) {
        let isRight =
            switch kind {
            case .ed25519Public, .ed25519Private: material.count == Self.ed25519Bytes
            case .hmacSHA256: Self.hmacBytesRange.contains(material.count)
            case .infiniService: material.count == Self.infiniServiceBytes
            }
        guard isRight else { throw .wrongLength(kind) }
        self.id = id
        self.kind = kind
        self.material = material
    }

    /// A key from bytes that are no secret, or that the caller keeps.
    public init(id: String, kind: Kind, bytes: [UInt8]) throws(KeyError) {
        guard !bytes.isEmpty else { throw .wrongLength(kind) }
        let material: SecretBytes
        do {
            material = try SecretBytes(count: bytes.count) { span in
                for (place, byte) in bytes.enumerated() {
                    span.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
                }
            }
        } catch {
            throw .memory(error)
        }
        try self.init(id: id, kind: kind, material: material)
    }

    /// A new secret key.
    public static func random(id: String, kind: Kind) throws(KeyError) -> Key {
        precondition(kind == .ed25519Private || kind == .hmacSHA256, "only those are made here")
        do {
            return try Key(id: id, kind: kind, material: try SecretBytes.random(count: 32))
        } catch let error as Errno {
            throw .memory(error)
        } catch let error as KeyError {
            throw error
        } catch {
            throw .wrongLength(kind)
        }
    }

    // MARK: Signing and verifying

    /// Whether the key signed that text; false for anything that goes wrong.
    func verifies(_ signature: [UInt8], of text: String) -> Bool {
        let text = Array(text.utf8)
        switch kind {
        case .ed25519Public:
            return material.withBytes { key in
                ccrypto_ed25519_verify(
                    key, RawSpan(_elements: text.span), RawSpan(_elements: signature.span)) == 1
            }
        case .hmacSHA256, .infiniService:
            guard let code = authenticationCode(of: text) else { return false }
            return ccrypto_equal(RawSpan(_elements: code.span), RawSpan(_elements: signature.span))
                == 1
        case .ed25519Private:
            return false
        }
    }

    /// The signature of a text; `nil` for a key that cannot sign.
    func signature(of text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        switch kind {
        case .ed25519Public: return nil
        case .hmacSHA256, .infiniService: return authenticationCode(of: text)
        case .ed25519Private:
            var signature = [UInt8](repeating: 0, count: Self.ed25519SignatureBytes)
            let isDone = material.withBytes { seed in
                var room = signature.mutableSpan
                var bytes = MutableRawSpan(_elements: &room)
                return ccrypto_ed25519_sign(seed, RawSpan(_elements: text.span), &bytes) == 1
            }
            return isDone ? signature : nil
        }
    }

    private func authenticationCode(of text: [UInt8]) -> [UInt8]? {
        var code = [UInt8](repeating: 0, count: Self.hmacCodeBytes)
        let isDone = material.withBytes { key in
            var room = code.mutableSpan
            var bytes = MutableRawSpan(_elements: &room)
            return ccrypto_hmac_sha256(key, RawSpan(_elements: text.span), &bytes) == 1
        }
        return isDone ? code : nil
    }

    /// The 32 bytes that verify what an Ed25519 key signs; `nil` for other keys.
    public var publicKey: [UInt8]? {
        switch kind {
        case .ed25519Public:
            return material.withBytes { bytes in (0..<bytes.byteCount).map { bytes.byte(at: $0) } }
        case .ed25519Private:
            var key = [UInt8](repeating: 0, count: Self.ed25519Bytes)
            let isDone = material.withBytes { seed in
                var room = key.mutableSpan
                var bytes = MutableRawSpan(_elements: &room)
                return ccrypto_ed25519_public_key(seed, &bytes) == 1
            }
            return isDone ? key : nil
        case .hmacSHA256, .infiniService: return nil
        }
    }

    /// The same in base64, as a policy has it.
    public var publicKeyText: String? { publicKey.map(SecretBase64.encode) }

    /// Whether a key may be called so: `[A-Za-z0-9._-]{1,64}`.
    public static func isID(_ text: String) -> Bool { PolicyKey.isID(text) }

    /// The line of a key file, to be written to a file of mode 0600 and shown nowhere.
    public func exposedLine() -> String {
        material.withBytes { bytes in
            let values = (0..<bytes.byteCount).map { bytes.byte(at: $0) }
            let text =
                switch kind {
                case .ed25519Public, .ed25519Private: SecretBase64.encode(values)
                case .hmacSHA256: Hexadecimal.encode(values)
                case .infiniService: String(decoding: values, as: UTF8.self)
                }
            return "\(kind.rawValue) \(id) \(text)\n"
        }
    }
}

extension Key: CustomStringConvertible {
    public var description: String { "\(kind.rawValue) key \(id)" }
}
