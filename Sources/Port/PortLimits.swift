import IOEngine

/// What the port bounds, each with its reason.
public enum PortLimits {
    /// The wait before the second attempt to open, in milliseconds; it doubles with each failure.
    public static let backOffMillisecondsMin: UInt64 = 1000
    /// The longest wait between attempts, in milliseconds.
    public static let backOffMillisecondsMax: UInt64 = 60_000
    /// Waits vary by this share both ways, so that a fleet does not knock in step.
    public static let backOffJitter = 0.1
    /// A connection this old, in milliseconds, makes the next failure the first one again.
    public static let backOffResetMilliseconds: UInt64 = 60_000

    /// A generic node is taken only when its name has been missing for this long, in milliseconds:
    /// the kernel publishes the name after the node.
    public static let namelessMilliseconds: UInt64 = 5000

    /// Reads of a virtio port after which the driver's signals are counted although no edge came;
    /// the kernel queues a few thousand.
    public static let readsUncountedMax = 64

    /// How long after a read or an arrival, in milliseconds, its signal may still come.
    public static let lateSignalMilliseconds: UInt64 = 50

    /// How long, in milliseconds, data has to show up that would explain a SIGIO: it is in the
    /// engine's queue already if it is there at all.
    public static let suspicionMilliseconds: UInt64 = 5

    /// The wait after a write that took nothing without saying why, in milliseconds. The driver
    /// answers so when it is short of memory.
    public static let emptyWriteMilliseconds: UInt64 = 10

    /// The wait, in milliseconds, before a socket whose peer spoke and then closed is connected
    /// again.
    public static let reconnectMilliseconds: UInt64 = 10

    /// The wait, in milliseconds, after a name appeared in a directory: the node is there before
    /// its group and mode, and a socket before anybody listens on it.
    public static let settleMilliseconds: UInt64 = 50

    /// Characters in a port's name.
    public static let nameCharactersMax = 64
}
