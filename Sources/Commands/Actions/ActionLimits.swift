/// What actions allow at most, each with its reason.
public enum ActionLimits {
    /// Parameters of one action, beside which others are a mistake or an attack.
    public static let parametersMax = 64
    /// Texts of one list: more services or mount points than a machine has.
    public static let listMax = 256
    /// Bytes of one text: FileWrite's data travels in one, so a frame's worth.
    public static let textBytesMax = 1 << 20
    /// Bytes of an answer's `data`, standard output and standard error, as they stand in the frame
    /// of 1 MiB: the rest is for the response's other members.
    public static let answerBytesMax = (1 << 20) - 16_384
    /// Values and names in `data`: our own reader refuses a frame of more than 65,536.
    public static let answerTokensMax = 60_000
    /// Bytes of what a program printed that an answer repeats, each of the two streams.
    public static let echoedBytesMax = 65_536
    /// Bytes of a log that are looked at, from its end: a year of upgrades.
    public static let logBytesMax = 4 << 20
    /// Bytes of a name: systemd's own limit for units.
    public static let nameBytesMax = 255
    /// Processes in an answer when the host says no number.
    public static let processesDefault = 200
    /// Bytes of one chunk of a file: in base64 it is 512 KiB, half a frame.
    public static let chunkBytesMax = 384 << 10
    /// Bytes of a file that may be written: its checksum is computed in one go, about 0.2 s.
    public static let fileBytesMax: Int64 = 64 << 20
    /// Seconds for which file systems may stay frozen: databases and journald give up after more.
    public static let freezeSecondsMax: Int64 = 600
    public static let freezeSecondsDefault: Int64 = 60
    /// Seconds until a program that only looks has to have answered.
    static let lookSeconds = 60.0
    /// Seconds for one that fetches and installs.
    static let changeSeconds = 1800.0
}
