public import Kernel

/// Why a key cannot be had. No message shows any of it.
public enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    case file(TrustedFileError)
    case empty(String)
    /// Not one line of kind, id and key.
    case notAKeyLine(String)
    case wrongLength(Key.Kind)
    /// `$CREDENTIALS_DIRECTORY` is not set.
    case noCredentials(String)
    /// The file's key has another kind or id than the policy says.
    case mismatch(id: String, found: String)
    case memory(Errno)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .file(let error): "the key cannot be read: \(error)"
        case .empty(let path):
            "\(path) holds no key: make one with vireo config key"
        case .notAKeyLine(let path):
            "\(path) is no key file: it has one line, of the key's kind, its id and the key; "
                + "make one with vireo config key"
        case .wrongLength(let kind):
            "a key of the kind \(kind.rawValue) has "
                + (kind == .hmacSHA256
                    ? "16 to 128 bytes" : kind == .infiniService ? "64 characters" : "32 bytes")
                + ": make one with vireo config key"
        case .noCredentials(let name):
            "the credential \(name) is not there: add LoadCredential=\(name):PATH to the unit, or "
                + "name a file in the policy"
        case .mismatch(let id, let found):
            "the policy wants the key \(id), and its file has the \(found): correct one of the two"
        case .memory(let errno): "no memory for a key: \(errno)"
        }
    }
}
