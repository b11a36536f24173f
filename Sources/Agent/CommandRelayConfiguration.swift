import Kernel

/// Where the agent finds the program that runs commands.
public struct CommandRelayConfiguration: Sendable {
    /// A socket that the executor listens on: `VIREO_EXEC_SOCKET`. It is used and no other.
    public var socketPath: String?
    /// A policy for an executor that the agent starts itself: `--policy`.
    public var policyPath: String?
    /// Whether a service manager runs the agent. An executor of its own is then not started: it
    /// would have the agent's confinement, not that of its unit.
    public var isManaged = false

    /// Whether each host that comes is asked for pending scripts: `pending_scripts`. The policy has
    /// to allow them too, and a key to have signed them.
    public var asksForScripts = false

    /// Where the unit `vireo-exec.socket` listens.
    public static let socketPathDefault = "/run/vireo/exec.sock"
    public static let programName = "vireo-exec"

    public init() {}

    /// Paths where the executor may be, the best first: beside this program, then in PATH.
    var programPaths: [String] {
        var folders: [String] = []
        if let own = linkTarget("/proc/self/exe"), let slash = own.lastIndex(of: "/") {
            folders.append(String(own[..<slash]))
        }
        let path = environmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        folders += path.split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
        return folders.map { "\($0)/\(Self.programName)" }
    }
}
