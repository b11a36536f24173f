/// A key whose signatures count, and for what.
public struct PolicyKey: Hashable, Sendable {
    public enum Algorithm: String, CaseIterable, Hashable, Sendable {
        case ed25519
        case hmacSHA256 = "hmac-sha256"
        /// InfiniService's envelope, `"v":1`, which names no key.
        case infiniService = "infiniservice"
    }

    /// Where the key itself is; never the environment.
    public enum Source: Hashable, Sendable {
        /// 32 bytes, for Ed25519 alone: it is no secret.
        case publicKey([UInt8])
        /// A file of that name in `$CREDENTIALS_DIRECTORY`.
        case credential(String)
        /// A file of mode 0600.
        case file(String)
    }

    /// What a signature is good for.
    public enum Grant: String, CaseIterable, Hashable, Sendable {
        case readOnly = "read_only"
        /// Every action that the policy allows.
        case actions
        case commands
        case rawCommands = "raw_commands"
        case pendingScripts = "pending_scripts"
        case files
        case all
    }

    public var id: String
    public var algorithm: Algorithm
    public var source: Source
    public var grants: Set<Grant>

    public init(id: String, algorithm: Algorithm, source: Source, grants: Set<Grant>) {
        self.id = id
        self.algorithm = algorithm
        self.source = source
        self.grants = grants
    }

    /// `[A-Za-z0-9._-]{1,64}`: it stands in signed text, logs and rule names.
    static func isID(_ text: String) -> Bool {
        let isRight = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isRight && (1...64).contains(text.utf8.count) && text != "." && text != ".."
    }

    func covers(_ grant: Grant) -> Bool {
        grants.contains(.all) || grants.contains(grant)
            || (grant == .readOnly && grants.contains(.actions))
    }
}
