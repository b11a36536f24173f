/// What a session bounds, each with its reason. Times are milliseconds of a monotonic clock.
///
/// Source: protocol, "Session"; design, section 7.
public enum SessionLimits {
    /// Bytes of a frame with its newline: the document's `MAX_MESSAGE_SIZE`.
    public static let frameBytesMax = 1_048_576

    /// Unacknowledged bytes in flight, unless the host asks for another window.
    public static let windowBytesDefault = 262_144
    /// What a host may ask for at least: below it every frame would wait for the one before.
    public static let windowBytesMin = 4096
    /// And at most: what the guest keeps for it is memory of the guest.
    public static let windowBytesMax = 1_048_576

    /// Bytes kept at most: a window in flight, and one frame that has its number and waits for
    /// room in the window. A send ring of 2 MiB holds that; a smaller one is back-pressure.
    public static let keptBytesMax = windowBytesMax + frameBytesMax

    /// Numbers kept at most: a window of 1 MiB of the shortest messages of ours, 8 bytes of
    /// memory each.
    public static let keptNumbersMax = 8192

    /// Bytes that a frame may grow by when it is renumbered: `forked_from` is 49, a number 19 more.
    /// A numbered frame leaves room for them below ``frameBytesMax``.
    public static let forkBytesMax = 128
    /// Bytes that a send ring of all kept numbers may grow by then, beyond ``keptBytesMax``.
    public static let renumberingBytesMax = keptNumbersMax * forkBytesMax
    /// The longest frame with a number, with its newline.
    public static let numberedFrameBytesMax = frameBytesMax - forkBytesMax

    /// Ranges of numbers given up and not acknowledged. They travel in each handshake, at most
    /// 44 bytes each.
    public static let gapsMax = 64

    /// Without a handshake_ack for so long, the host is a plain one.
    public static let answerMilliseconds: UInt64 = 2000
    /// Results and events that have not left wait so much longer before they go unnumbered.
    public static let plainResultMilliseconds: UInt64 = 10_000
    /// In flight and no progress for so long: a new session. It doubles with each handshake that
    /// stays unanswered, so that a host whose pipe is long is not asked faster than it can answer.
    public static let progressMilliseconds: UInt64 = 5000
    public static let progressMillisecondsMax: UInt64 = 60_000

    /// Epochs whose K a host keeps for one guest.
    public static let epochsMax = 8
    /// Earlier epochs that a guest speaks of: with its own they are as many as a host keeps.
    public static let earlierEpochsMax = epochsMax - 1
    /// Bytes that have a number and wait for the medium, before another number is given: a result
    /// that comes next waits for no more than one write.
    public static let undurableBytesMax = 32_768
    /// A host acknowledges at the latest after so many messages,
    public static let acknowledgeMessagesMax: UInt64 = 64
    /// or so long after the first that is not acknowledged.
    public static let acknowledgeMilliseconds: UInt64 = 100

    /// Numbers above it are refused by a host, so that no sum of them can overflow. At a million
    /// messages a second it is reached after 292,000 years.
    public static let numberMax = UInt64(Int64.max)
}
