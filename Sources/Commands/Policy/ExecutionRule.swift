import YAML

/// What every rule that starts a program says about how it runs.
public struct ExecutionRule: Hashable, Sendable {
    /// `nil`: whoever the service runs as.
    public var user: String?
    /// Users that a request may name in place of it.
    public var runAs: [String] = []
    public var directory = "/"
    /// Directories below which a request may name another working directory.
    public var directories: [String] = []
    /// Always set.
    public var environment: [EnvironmentVariable] = []
    /// Names that a request may set.
    public var environmentNames: [String] = []
    public var limits = CommandLimits()
    /// Whether standard input may be fed.
    public var allowsInput = false
    /// Whether only signed requests may use the rule.
    public var isSigned = false

    public init() {}

    /// Resolves what the request wants beside the command itself.
    func resolve(
        _ request: PolicyRequest, rule: String, argv: [String], isTrusted: Bool
    ) -> Decision {
        func refused(_ reason: String) -> Decision { .refused(Refusal(rule: rule, reason: reason)) }
        var allowance = Allowance(rule: rule)
        allowance.argv = argv
        allowance.needsTrustedProgram = isTrusted
        if isSigned, !request.isSigned { return refused("it has to be signed") }
        allowance.user = user
        if let wanted = request.runAs, wanted != user {
            guard runAs.contains(wanted) else {
                return refused("run_as \"\(wanted.shown)\" is not in the rule's run_as")
            }
            allowance.user = wanted
        }
        allowance.directory = directory
        if let wanted = request.directory, wanted != directory {
            guard directories.contains(where: { isPlainPath(wanted, below: $0) }) else {
                return refused(
                    "the directory \"\(wanted.shown)\" is not below one of the rule's directories")
            }
            allowance.directory = wanted
        }
        if let fault = environmentFault(of: request) { return refused(fault) }
        let names = request.environment.map(\.name)
        allowance.environment =
            environment.filter { !names.contains($0.name) } + request.environment
        if let fault = request.limits.fault { return refused("\(fault) cannot be") }
        allowance.limits = limits.reduced(to: request.limits)
        if request.hasInput, !allowsInput { return refused("the rule gives no standard input") }
        allowance.allowsInput = request.hasInput
        return .allowed(allowance)
    }

    private func environmentFault(of request: PolicyRequest) -> String? {
        let names = request.environment.map(\.name)
        guard names.count <= PolicyLimits.environmentMax else {
            return "more than \(PolicyLimits.environmentMax) environment variables"
        }
        guard Set(names).count == names.count else { return "an environment variable twice" }
        for variable in request.environment {
            if EnvironmentVariable.isDangerous(variable.name) {
                return "\(variable.name.shown) is never set: programs take code from it"
            }
            guard environmentNames.contains(variable.name) else {
                return "\"\(variable.name.shown)\" is not in the rule's environment_names"
            }
            guard variable.value.utf8.count <= PolicyLimits.environmentValueBytesMax,
                !variable.value.unicodeScalars.contains("\0")
            else {
                return "the value of \(variable.name) has U+0000 in it or more than "
                    + "\(PolicyLimits.environmentValueBytesMax) bytes"
            }
        }
        return nil
    }
}

extension PolicyRequest {
    var isSigned: Bool {
        if case .signed = authority { return true }
        return false
    }
}

/// Whether `path` is absolute and free of `.`, `..`, empty names and U+0000.
func isPlainPath(_ path: String) -> Bool {
    guard path.hasPrefix("/"), path.utf8.count <= PolicyLimits.pathBytesMax,
        !path.unicodeScalars.contains("\0")
    else { return false }
    if path == "/" { return true }
    return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
}

/// Whether `path` is plain and is `directory` or lies below it.
func isPlainPath(_ path: String, below directory: String) -> Bool {
    guard isPlainPath(path) else { return false }
    return path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
}
