/// What the engine bounds, each with its reason.
public enum EngineLimits {
    /// Bytes in one write(2) to a device. The virtio console driver takes no more in a call
    /// (32 * 1024 in port_fops_write), so a longer one would only come back short.
    public static let requestBytesMax = 32_768

    /// Bytes that one call of `write` takes: what an engine puts into a device in one go before it
    /// looks at the others.
    public static let writeBytesMax = requestBytesMax * 4

    /// Bytes in one read request: a slab. A virtio port gives at most 4,096 at a time, a socket
    /// more.
    public static let readBytesMax = 65_536

    /// Streams of an engine by default: a port, a signalfd, an inotify, a few pipes.
    public static let streamsDefault = 16

    /// The most streams of one engine.
    public static let streamsMax = 16_384

    /// Timers of an engine by default; each user has its own few keys.
    public static let timersDefault = 32

    /// Rings that can be registered with an engine.
    public static let regionsMax = 16

    /// When a registration that failed for want of locked memory is tried again, in milliseconds
    /// after the first time: the memory of a process that was killed is given back up to a second
    /// later.
    public static let registrationRetriesMilliseconds: [UInt64] = [1000, 5000]

    /// How often a write that was refused is begun again because poll(2) sees room for it. Once is
    /// the rule; a device that says both for ever is waited for.
    static let looksMax = 8

    /// Completions that one wait gathers at most before it ends, where many sockets share slabs: a
    /// quarter of the open streams, and no more than these.
    public static let gatheredMax = 16

    /// How long such a wait goes on for them, and so what a message may be held up by: of the
    /// order in which a sleeping core wakes. The kernel adds the thread's timer slack, 50 us by
    /// default.
    public static let gatheringNanoseconds: UInt64 = 50_000

    /// Completions taken from the kernel in one go.
    static let batchMax = 64

    /// Turns in a row that an engine may spend on streams that are still ready before it
    /// asks the kernel about the others.
    static let turnsWithoutWaitMax = 8

    /// Rounds of a turn after its wait: what came is read, and what was written in answer is told.
    static let drainRoundsMax = 2
}
