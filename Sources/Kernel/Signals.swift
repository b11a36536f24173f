import CLinux
import Glibc

/// Signals as bytes to be read from a descriptor, on the loop that reads everything else.
///
/// Source: signalfd(2).
public enum Signals {
    /// Blocks the signals for the calling thread and all that it starts, and gives a non-blocking
    /// descriptor that tells of them.
    public static func descriptor(for signals: [Int32]) throws(Errno) -> FileDescriptor {
        var signals = signals
        let number = unsafe signals.withUnsafeMutableBufferPointer { buffer -> Int32 in
            // SAFETY: the array lives for both calls.
            let count = Int32(buffer.count)
            guard unsafe clinux_block_signals(buffer.baseAddress, count) == 0 else { return -1 }
            return unsafe clinux_signalfd(buffer.baseAddress, count)
        }
        guard number >= 0 else { throw .current }
        return FileDescriptor(owning: number)
    }

    /// The next signal that waits in the descriptor, `nil` when there is none.
    public static func next(_ number: Int32) -> Int32? {
        let signal = clinux_signalfd_read(number)
        return signal > 0 ? signal : nil
    }

    public static let terminate = SIGTERM
    public static let interrupt = SIGINT
    public static let hangUp = SIGHUP
    public static let child = SIGCHLD
    public static let windowChanged = SIGWINCH
}
