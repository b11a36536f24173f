import Wire

/// What running a command is bounded by, each with its reason.
public enum RunningLimits {
    /// Commands that run at a time. More than a guest has cores would only slow each other down.
    public static let runningMax = RelayLimits.runningMax

    /// Bytes of each stream that are kept; what comes behind is read and counted.
    public static let outputBytesMax = 524_288

    /// Bytes of one piece of streamed output: what the driver takes in one write.
    public static let chunkBytesMax = 32_768

    /// Bytes of standard input that wait for a command that does not read: a ring of as much.
    public static let inputBytesMax = 1_048_576

    /// Seconds until a command is ended when nobody says otherwise, and at most.
    public static let timeoutSecondsDefault = 30.0
    public static let timeoutSecondsMax = 86_400.0

    /// Milliseconds between asking a command to end and ending it. With a second of time-out
    /// everything is gone within three.
    public static let graceMilliseconds: UInt64 = 1000

    /// Milliseconds that the output of a command which has ended is read for. All that could still
    /// write is dead by then, so that this is for the kernel to close pipes in.
    public static let drainMilliseconds: UInt64 = 200

    /// Milliseconds after the kill at which a command that sits in the kernel is answered for all
    /// the same.
    public static let killMilliseconds: UInt64 = 2000

    /// Bytes of memory.max below which a command gets a copy of its parent's memory to begin in:
    /// what execve(2) takes before the program is there has to fit in many times.
    public static let sharedStartMemoryMin: UInt64 = 16 << 20
    /// Bytes of arguments and variables above which it does too: execve(2) copies them.
    public static let sharedStartTextMax = 65_536

    /// Milliseconds between two looks for descendants that are left, and for groups to be removed.
    public static let sweepMilliseconds: UInt64 = 20
}

/// What one command may use; `nil` where nothing is set. Without a control group of its own only
/// ``descriptorsMax`` holds.
public struct ResourceLimits: Hashable, Sendable {
    /// Bytes of memory of all its processes: memory.max.
    public var memoryBytesMax: UInt64? = 1 << 30
    /// Processes and threads at a time: pids.max.
    public var processesMax: UInt64? = 512
    /// Percent of one processor: cpu.max.
    public var processorPercentMax: UInt64?
    /// Bytes kept of each of its two streams, at most ``RunningLimits/outputBytesMax``.
    public var outputBytesMax = RunningLimits.outputBytesMax
    /// Bytes of input in all; whatever it is, ``RunningLimits/inputBytesMax`` may be unread.
    public var inputBytesMax = Int.max
    /// Open descriptors of each process: RLIMIT_NOFILE.
    public var descriptorsMax: UInt64 = 1024

    public init() {}
}
