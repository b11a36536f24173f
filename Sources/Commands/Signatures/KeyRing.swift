/// The keys of a policy, read and ready.
public struct KeyRing: Sendable {
    private let keys: [Key]

    public init(_ keys: [Key] = []) {
        self.keys = keys
    }

    /// Reads every key that a policy names; if one cannot be had, none is.
    ///
    /// - Parameters:
    ///   - policy: names the keys, and where each is to be had.
    ///   - credentialsDirectory: the value of `$CREDENTIALS_DIRECTORY`; `nil` when it is not set.
    public init(
        for policy: Policy, credentialsDirectory: String?
    ) throws(KeyError) {
        var keys: [Key] = []
        for wanted in policy.keys {
            let key: Key
            let bareID = wanted.algorithm == .infiniService ? wanted.id : nil
            switch wanted.source {
            case .publicKey(let bytes):
                key = try Key(id: wanted.id, kind: .ed25519Public, bytes: bytes)
            case .credential(let name):
                key = try KeyFile.load(credential: name, in: credentialsDirectory, bareID: bareID)
            case .file(let path):
                key = try KeyFile.load(path, bareID: bareID)
            }
            guard key.id == wanted.id, key.kind == wanted.algorithm.keyKind else {
                throw .mismatch(id: wanted.id, found: "\(key)")
            }
            keys.append(key)
        }
        self.keys = keys
    }

    /// The key of that id that verifies that algorithm of our envelope.
    func key(_ id: String, algorithm: String) -> Key? {
        keys.first { $0.id == id && $0.kind.envelopeAlgorithm == algorithm }
    }

    /// Keys for InfiniService's envelope.
    var infiniService: [Key] { keys.filter { $0.kind == .infiniService } }
}

extension PolicyKey.Algorithm {
    /// What verifies it.
    var keyKind: Key.Kind {
        switch self {
        case .ed25519: .ed25519Public
        case .hmacSHA256: .hmacSHA256
        case .infiniService: .infiniService
        }
    }
}

extension Key.Kind {
    /// What our envelope calls it; `nil` for a key that is none of its.
    var envelopeAlgorithm: String? {
        switch self {
        case .ed25519Public, .ed25519Private: "ed25519"
        case .hmacSHA256: "hmac-sha256"
        case .infiniService: nil
        }
    }
}
