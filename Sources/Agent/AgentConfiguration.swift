public import IOEngine
public import Kernel
public import Logging
public import Port
public import Probes
import Session

/// All that an agent is told before it starts.
public struct AgentConfiguration: Sendable {
    public var endpoint = PortEndpoint.named(PortName.defaults)
    public var allowsForeignPort = false
    public var engine = IOEngine.Choice.automatic
    /// Seconds between samples, 0.05 to 86,400.
    public var intervalSeconds = AgentLimits.intervalSecondsDefault
    /// What the agent calls itself; the machine id by default. Hosts identify a guest by its
    /// socket.
    public var vmID: String
    public var probes = ProbeOptions(processesSeconds: AgentLimits.processesSecondsDefault)
    /// Never to send metrics without a number: `require_ack`.
    public var requiresAcknowledgement = false
    public var commands = CommandRelayConfiguration()
    /// A folder for numbered messages, so that they outlive the agent; `nil` for memory alone.
    public var spoolFolder: String?
    /// Send one handshake and one sample, then end.
    public var isOnce = false
    /// The least that is logged; `nil` leaves it to the logger that is passed.
    public var logLevel: Logger.Level?

    public init(vmID: String? = nil) {
        self.vmID = vmID ?? MachineIdentity.machineID()
    }

    /// - Throws: `ProgramFailure` with exit code 64 that says which value is out of range.
    public func validate() throws(ProgramFailure) {
        guard AgentLimits.intervalSecondsRange.contains(intervalSeconds) else {
            throw ProgramFailure(
                .usage,
                "an interval of \(intervalSeconds) s is out of range; use 0.05 to 86400 seconds")
        }
        guard !vmID.isEmpty, vmID.utf8.count <= AgentLimits.vmIDBytesMax else {
            throw ProgramFailure(
                .usage, "a vm id has 1 to \(AgentLimits.vmIDBytesMax) bytes; give --vm-id")
        }
    }
}

/// What the agent bounds, each with its reason.
public enum AgentLimits {
    /// Seconds between samples when nobody says otherwise: the rhythm of the hosts in the field.
    public static let intervalSecondsDefault = 30.0
    /// Twenty samples a second cost a percent of a core; a sample a day is as good as none.
    public static let intervalSecondsRange = 0.05...86_400.0
    /// For how long a list of processes is taken to stay as it is: an agent that sends a sample a
    /// second is to cost a thousandth of a processor, and looking at all processes takes some 3 ms.
    public static let processesSecondsDefault = 5.0
    public static let vmIDBytesMax = 128

    /// Bytes that may wait to leave the send ring before more is encoded into it: one write. What
    /// waits in the queues instead can still be overtaken by a result, or give way to newer
    /// samples.
    static let unsentDataBytesMax = EngineLimits.writeBytesMax

    /// Bytes of results that may wait, of which the relay's window and each command have their
    /// part before they are admitted.
    static let resultBytesMax = OutboxLimits.resultBytesMax

    /// How long the agent drains after SIGTERM, in milliseconds.
    static let drainMilliseconds: UInt64 = 2000

    /// How long closing the port may take after that, in milliseconds.
    static let closeMilliseconds: UInt64 = 500

    /// Error replies a second. More tell nobody anything.
    static let errorRepliesPerSecond = 10

    /// Bytes that a sample is taken to hold while it waits, besides its rows.
    static let sampleBytes = 4096
    static let rowBytes = 256
}
