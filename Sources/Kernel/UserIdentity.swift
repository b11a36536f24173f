import CLinux
import Glibc

/// A user as the system's databases know it. Source: getpwnam(3), getgrouplist(3).
public struct UserIdentity: Hashable, Sendable {
    public var name: String
    public var user: UInt32
    public var group: UInt32
    /// All groups, the first one too.
    public var groups: [UInt32]
    public var home: String

    /// - Throws: ENOENT when there is no such user, E2BIG for one in more than 64 groups.
    public init(named name: String) throws(Errno) {
        var account = clinux_account()
        // SAFETY: the structure is a local, filled by the call.
        let result = unsafe clinux_account_named(name, &account)
        guard result == 0 else { throw Errno(rawValue: result) }
        self.name = name
        user = account.user
        group = account.group
        let count = Int(account.group_count)
        groups = unsafe withUnsafeBytes(of: account.groups) { bytes in
            // SAFETY: the field is an array of that type.
            unsafe Array(bytes.bindMemory(to: gid_t.self).prefix(count))
        }
        home = unsafe withUnsafeBytes(of: account.home) { bytes in
            // SAFETY: the text ends with a NUL inside the field.
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
