import CLinux
import Glibc

/// One certain process, however often its number is given to another.
///
/// Source: pidfd_open(2).
public struct ProcessHandle: ~Copyable {
    private let descriptor: FileDescriptor

    /// - Throws: ESRCH when there is no such process.
    public init(pid: Int32) throws(Errno) {
        let number = clinux_process_open(pid)
        guard number >= 0 else { throw .current }
        descriptor = FileDescriptor(owning: number)
    }

    /// Sends a signal; 0 only asks whether that would be allowed. ESRCH when it has ended.
    public func signal(_ number: Int32) throws(Errno) {
        guard clinux_process_signal(descriptor.number, number) == 0 else { throw .current }
    }

    /// Whether a process of that number is there, a zombie among them. kill(2) with signal 0.
    public static func exists(_ pid: Int32) -> Bool {
        kill(pid, 0) == 0 || Errno.current == .notPermitted
    }

    /// This process and the one that started it.
    public static var ownPIDs: [Int32] { [getpid(), getppid()] }
}

/// The numbers of signals that people name. Source: signal(7).
public enum SignalNumber {
    public static let byName: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "KILL": SIGKILL, "USR1": SIGUSR1,
        "USR2": SIGUSR2, "TERM": SIGTERM, "CONT": SIGCONT, "STOP": SIGSTOP, "TSTP": SIGTSTP,
    ]
}
