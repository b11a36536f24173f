import Session

/// What a spool bounds, each with its reason.
///
/// Source: design, section 7.
public enum SpoolLimits {
    /// Bytes of all files together. Beyond it new messages are kept in memory alone.
    public static let bytesMax = 8 << 20
    /// Bytes of frames of earlier epochs, which stay in memory until they are acknowledged: the
    /// oldest metrics above it are given up at the start. The rest of ``bytesMax`` is this epoch's:
    /// what a session keeps, and one file more of which the end is not acknowledged.
    public static let earlierBytesMax = 4 << 20
    /// A file with so many bytes is followed by another one, so that its room comes back.
    public static let fileBytesMax: UInt64 = 524_288
    /// The longest file that is read: all that a session keeps can stand in one.
    public static let readBytesMax = 8 << 20
    /// Milliseconds after which a medium that failed is tried again.
    public static let retryMilliseconds: UInt64 = 5000
    /// Epochs that are read at the start; files of further ones wait for the next start.
    public static let earlierEpochsMax = SessionLimits.earlierEpochsMax
    public static let machineIDBytesMax = 128
    public static let generationBytesMax = 64
}

/// Whose messages a spool has. Another machine's, such as after a disk was copied, are none of
/// ours.
public struct SpoolOwner: Hashable, Sendable {
    /// At most ``SpoolLimits/machineIDBytesMax`` bytes count.
    public var machineID: String
    /// Of the virtual machine, which changes when a snapshot is restored; empty where none can be
    /// had. At most ``SpoolLimits/generationBytesMax`` bytes count.
    public var generation: String

    public init(machineID: String, generation: String) {
        self.machineID = machineID
        self.generation = generation
    }
}
