/// A program to run and how: all decided, nothing looked up later.
public struct CommandSpecification: Hashable, Sendable {
    /// The program's name for itself, and what it is given. At least one, without NUL.
    public var arguments: [String]
    /// The program's path where that is not `arguments[0]`. A name without a slash is looked for in
    /// the PATH of ``environment``.
    public var program: String?
    /// All that it finds in its environment.
    public var environment: [String: String]
    /// Its working directory, entered with its own rights.
    public var directory = "/"
    /// Who it runs as; `nil` for whoever runs this program.
    public var userName: String?
    public var timeoutSeconds = RunningLimits.timeoutSecondsDefault
    public var graceMilliseconds = RunningLimits.graceMilliseconds
    /// Whether ``CommandRunner/input(_:_:isEnd:)`` may follow; else its input is at its end.
    public var takesInput = false
    public var limits = ResourceLimits()

    public init(arguments: [String], environment: [String: String]? = nil) {
        self.arguments = arguments
        self.environment = environment ?? Self.baseEnvironment(home: "/")
    }

    /// What every command finds when nothing is named: four variables.
    public static func baseEnvironment(home: String) -> [String: String] {
        [
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8", "HOME": home, "TERM": "dumb",
        ]
    }

    /// The paths to try for the program, in order.
    var paths: [String] {
        let name = program ?? arguments[0]
        guard !name.contains("/") else { return [name] }
        let folders = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        // An empty entry would mean the working directory, which is nobody's to trust.
        return folders.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    }

    /// Whether a group of its own leaves it the memory to begin in its parent's: what the kernel
    /// copies for execve(2) is charged to the group while both share it.
    var mayShareMemoryAtStart: Bool {
        let memory = limits.memoryBytesMax ?? .max
        guard memory >= RunningLimits.sharedStartMemoryMin else { return false }
        let texts =
            arguments.reduce(0) { $0 + $1.utf8.count }
            + environment.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        return texts <= RunningLimits.sharedStartTextMax
    }

    /// Why it could not be run by anybody, if so.
    var fault: String? {
        guard let name = arguments.first, !(program ?? name).isEmpty else {
            return "no program is named"
        }
        let texts =
            arguments + [directory, program ?? "", userName ?? ""]
            + environment.flatMap { [$0.key, $0.value] }
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            return "an argument or a variable holds a NUL, which ends a text for the kernel"
        }
        guard !environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) else {
            return "a variable's name is empty or holds ="
        }
        guard timeoutSeconds > 0, timeoutSeconds <= RunningLimits.timeoutSecondsMax else {
            return "a time-out of \(timeoutSeconds) s is out of range; use up to 86400 seconds"
        }
        guard !paths.isEmpty else { return "PATH names no folder" }
        return nil
    }
}
