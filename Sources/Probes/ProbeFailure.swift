import Glibc
public import Kernel

/// Why a probe has nothing to report: the file, and what was wrong with it.
public struct ProbeFailure: Error, Equatable, Sendable {
    public enum Cause: Equatable, Sendable {
        /// A system call failed.
        case system(Errno)
        /// The content is not what the kernel writes; lines count from 1.
        case malformed(expected: String, line: Int)
    }

    public let path: String
    public let cause: Cause

    public init(path: String, cause: Cause) {
        self.path = path
        self.cause = cause
    }

    init(_ path: String, _ error: Errno) {
        self.init(path: path, cause: .system(error))
    }

    init(_ path: String, _ malformed: Malformed) {
        let cause = Cause.malformed(expected: malformed.expected, line: malformed.line)
        self.init(path: path, cause: cause)
    }

    /// Whether the file is not there, or the kernel was built or started without what it shows.
    var meansNoData: Bool {
        cause == .system(.notFound) || cause == .system(Errno.notSupportedByKernel)
    }

    /// Whether a process has ended, or belongs to somebody whose processes may not be seen.
    var meansGoneOrHidden: Bool {
        let causes: [Errno] = [.notFound, .noSuchProcess, .accessDenied, .notPermitted]
        return causes.contains { cause == .system($0) }
    }
}

extension ProbeFailure: CustomStringConvertible {
    /// What failed and what to do next.
    public var description: String {
        switch cause {
        case .malformed(let expected, let line):
            "\(path): line \(line) lacks \(expected); please report the file's content"
        case .system(.notFound):
            "\(path): \(Errno.notFound); check that the file system is mounted and not masked"
        case .system(.accessDenied):
            "\(path): \(Errno.accessDenied); grant the agent read access, or turn the probe off"
        case .system(.tooLarge):
            "\(path): \(Errno.tooLarge); it is longer than the probe reads"
        case .system(.tooManyFiles):
            "\(path): \(Errno.tooManyFiles); raise LimitNOFILE"
        case .system(let error):
            "\(path): \(error)"
        }
    }
}

extension Errno {
    /// What /proc/pressure answers when the kernel runs with `psi=0`.
    static let notSupportedByKernel = Errno(rawValue: EOPNOTSUPP)
    /// What a file of a process that has ended answers when it was opened before.
    static let noSuchProcess = Errno(rawValue: ESRCH)
}
