/// The engine as a benchmark harness uses it: lines between two processes, and a real port.
///
/// A frame is a line of exactly B bytes with its newline, so any program that speaks lines can be
/// the other end. What is measured here is what the agent runs on: `IOEngine`, the mirrored
/// rings and the frame scanner, with no copy and no allocation a frame on the way in.
///
/// ```swift
/// let row = try Receiver(path: "/run/user/1000/lines.sock", engine: .automatic).run()
/// print(row.json)
/// ```
public enum BenchLimits {
    /// Bytes in the shortest line: one and its newline. An empty line is no frame.
    public static let lineBytesMin = 2
    /// Bytes in the longest line, as everywhere: 1 MiB with its newline.
    public static let lineBytesMax = 1_048_576

    /// Bytes in one read: all that a socket holds by default (212,992), so that one call and one
    /// wake-up take all of it. Four slabs cost a fifth less processor time a byte than one.
    static let readBytesMax = 262_144

    /// Connections that one process serves at a time.
    public static let connectionsMax = 16_000
    /// Up to this many connections, each has a ring that holds a line of 1 MiB; beyond, all share a
    /// pool of slabs, so that 10,000 connections fit in 256 MB.
    static let ownRingsMax = 8
    /// Connections whose rings are registered with the kernel: the engine takes 16 rings.
    static let registeredConnectionsMax = 4

    /// Rounds of one run: each is kept as four bytes until the percentiles are taken.
    public static let roundsMax = 20_000_000

    /// How long, in milliseconds, a connection is tried again while nobody listens: the other end
    /// is often started in the same breath.
    static let connectMilliseconds: UInt64 = 1000

    /// How long, in milliseconds, a peer that owes an answer may stay silent before it counts once;
    /// the second time it is given up.
    static let silenceMilliseconds: UInt64 = 15_000
}
