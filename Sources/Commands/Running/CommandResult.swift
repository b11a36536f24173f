public import Wire

/// What became of a command that was run.
public struct CommandResult: Sendable {
    /// One of six, but never `refused`.
    public var outcome: CommandOutcome
    /// What it exited with, by itself or because it was asked to; `nil` when a signal ended it.
    public var exitCode: Int32?
    public var signal: Int32?
    /// With `CommandOutcome.failedToStart`: why.
    public var failure: StartFailure?
    public var milliseconds: UInt64
    public var isolation: Isolation.Kind
    public var standardOutput: CapturedStream
    public var standardError: CapturedStream
    /// Processes of it are still there: in the kernel, where no signal reaches them yet.
    public var isLeftRunning = false

    /// As the actions take it.
    public var output: CommandOutput {
        CommandOutput(
            outcome: outcome, exitCode: exitCode, signal: signal,
            standardOutput: standardOutput.kept, standardError: standardError.kept,
            truncated: standardOutput.isTruncated || standardError.isTruncated)
    }
}
