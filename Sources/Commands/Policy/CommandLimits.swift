/// What a command may use. Source: DESIGN, "Limits".
public struct CommandLimits: Hashable, Sendable {
    /// Seconds until it is ended, with everything that it started.
    public var timeoutSeconds = 30.0
    /// Bytes of standard output, and as many of standard error, that are passed on.
    public var outputBytes = 524_288
    /// Bytes that it may read from standard input.
    public var inputBytes = 1_048_576
    /// Bytes of memory of all its processes.
    public var memoryBytes = 268_435_456
    /// Processes and threads at one time.
    public var processes = 64
    /// Percent of one processor, so that 200 are two.
    public var cpuPercent = 100

    public init() {}

    public static let timeoutSecondsRange = 0.1...86_400.0
    public static let outputBytesRange = 1024...524_288
    public static let inputBytesRange = 0...67_108_864
    public static let memoryBytesRange = 1_048_576...1_099_511_627_776
    public static let processesRange = 1...4096
    public static let cpuPercentRange = 1...6400

    /// These, or what is asked for where that is less.
    func reduced(to wanted: RequestedLimits) -> CommandLimits {
        var result = self
        if let seconds = wanted.timeoutSeconds {
            result.timeoutSeconds = min(timeoutSeconds, seconds)
        }
        result.outputBytes = min(outputBytes, wanted.outputBytes ?? .max)
        result.memoryBytes = min(memoryBytes, wanted.memoryBytes ?? .max)
        result.processes = min(processes, wanted.processes ?? .max)
        result.cpuPercent = min(cpuPercent, wanted.cpuPercent ?? .max)
        return result
    }
}

/// What a request asks to be limited to; `nil` leaves it to the rule. A rule's limit cannot be
/// exceeded, only lowered.
public struct RequestedLimits: Hashable, Sendable {
    public var timeoutSeconds: Double?
    public var outputBytes: Int?
    public var memoryBytes: Int?
    public var processes: Int?
    public var cpuPercent: Int?

    public init() {}

    /// The first of them that is nothing one can run with.
    var fault: String? {
        if let seconds = timeoutSeconds, !(seconds > 0) { return "a timeout of \(seconds) s" }
        if let bytes = outputBytes, bytes < 0 { return "output of \(bytes) bytes" }
        if let bytes = memoryBytes, bytes <= 0 { return "memory of \(bytes) bytes" }
        if let count = processes, count <= 0 { return "\(count) processes" }
        if let percent = cpuPercent, percent <= 0 { return "\(percent) % of a processor" }
        return nil
    }
}
