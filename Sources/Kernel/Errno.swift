import CLinux
import Glibc

/// A number from `errno`, with its name and its text.
///
/// Source: errno(3).
public struct Errno: Error, Hashable, Sendable, RawRepresentable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The calling thread's `errno`, to be read right after the call that failed.
    public static var current: Errno { Errno(rawValue: errno) }

    public static let accessDenied = Errno(rawValue: EACCES)
    public static let again = Errno(rawValue: EAGAIN)
    public static let busy = Errno(rawValue: EBUSY)
    public static let cancelled = Errno(rawValue: ECANCELED)
    public static let exists = Errno(rawValue: EEXIST)
    public static let interrupted = Errno(rawValue: EINTR)
    public static let invalid = Errno(rawValue: EINVAL)
    public static let noDevice = Errno(rawValue: ENODEV)
    public static let noMemory = Errno(rawValue: ENOMEM)
    public static let noSuchDeviceOrAddress = Errno(rawValue: ENXIO)
    public static let notFolder = Errno(rawValue: ENOTDIR)
    public static let notFound = Errno(rawValue: ENOENT)
    public static let notPermitted = Errno(rawValue: EPERM)
    public static let notSupported = Errno(rawValue: ENOSYS)
    public static let pipe = Errno(rawValue: EPIPE)
    public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    public static let timedOut = Errno(rawValue: ETIME)
    public static let tooManyFiles = Errno(rawValue: EMFILE)
    public static let tooLarge = Errno(rawValue: EFBIG)
}

extension Errno: CustomStringConvertible {
    /// The constant's name and strerror's text: `ENOENT (No such file or directory)`.
    public var description: String {
        let name = unsafe clinux_errno_name(rawValue).map { unsafe String(cString: $0) }
        let text = unsafe String(cString: strerror(rawValue))
        return "\(name ?? "errno \(rawValue)") (\(text))"
    }

    /// The constant's name alone: `ENOENT`.
    public var name: String {
        unsafe clinux_errno_name(rawValue).map { unsafe String(cString: $0) } ?? "\(rawValue)"
    }
}

/// Runs a call that answers -1 on failure, again while it is interrupted by a signal.
@inline(always)
func retrying(_ call: () -> Int) throws(Errno) -> Int {
    while true {
        let result = call()
        if result >= 0 { return result }
        let error = Errno.current
        guard error == .interrupted else { throw error }
    }
}
