/// What the wire allows at most, each with its reason. A text over a limit is refused whole.
public enum WireLimits {
    /// Bytes of one frame with its newline: the document's `MAX_MESSAGE_SIZE`, 1 MiB.
    public static let frameBytesMax = 1_048_576

    /// Brackets open at once. Our deepest message has 7; what nests further is an attack on a
    /// stack.
    public static let depthMax = 64

    /// Values and member names of one frame, an array or object counting once. It bounds what a
    /// parser touches: at most 1 MiB of tape and 1 MiB of index for a frame of 1 MiB, where
    /// `1,1,1,...` would take 15 MB. What we write stays under it as well, so that our own host
    /// reads it.
    public static let tokensMax = 65_536

    /// Bytes of one number in a frame of more than 64 KiB: converting one of 1 MB takes 7 ms.
    /// Shorter frames are not counted first, and a number of 64 KiB costs little.
    public static let numberBytesMax = 1024

    /// Numbers of more than 20 bytes in such a frame: one half-way between two doubles takes 2 us.
    public static let longNumbersMax = 2048

    /// Bytes of a command's `id`: it is echoed in the answer, so that a longer one could not be
    /// answered within a frame. A UUID has 36.
    public static let identifierBytesMax = 256

    /// Bytes of a stranger's text that an error reply repeats: replies must not outgrow requests.
    public static let echoBytesMax = 64
}
