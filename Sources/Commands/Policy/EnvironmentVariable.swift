/// A name and its value, for a child.
public struct EnvironmentVariable: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// `[A-Za-z_][A-Za-z0-9_]*`, at most 64.
    static func isName(_ text: String) -> Bool {
        let isRight = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isRight && (1...64).contains(text.utf8.count) && !(text.first?.isNumber ?? true)
    }

    /// Whether the loader, the C library or a shell takes code from it: these are never set, not
    /// even by a rule. Source: ld.so(8), "Secure-execution mode"; bash(1).
    static func isDangerous(_ name: String) -> Bool {
        let prefixes = ["LD_", "BASH_FUNC_", "MALLOC_"]
        let names: Set<String> = [
            "BASH_ENV", "BASHOPTS", "ENV", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES",
            "HOSTALIASES", "IFS", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH", "PROMPT_COMMAND",
            "PS4", "RESOLV_HOST_CONF", "RES_OPTIONS", "SHELLOPTS", "TZDIR",
        ]
        return names.contains(name) || prefixes.contains { name.hasPrefix($0) }
    }
}
