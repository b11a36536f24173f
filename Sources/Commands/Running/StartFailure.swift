import Kernel

/// Why a command never ran, in words that say which of the causes it was.
public struct StartFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The constant's name, such as `ENOENT`; `nil` when nothing was asked of the kernel.
    public var errnoName: String?
    /// What is wrong and what to change.
    public var description: String

    init(_ description: String) {
        self.description = description
    }

    init(_ failure: ChildStartFailure, of specification: CommandSpecification) {
        errnoName = failure.errno.name
        let program = specification.program ?? specification.arguments[0]
        switch failure.step {
        case .program:
            description = Self.words(failure.errno, program, specification.paths)
        case .directory:
            description = "the working directory \(specification.directory): \(failure.errno)"
        case .user:
            description =
                "the user \(specification.userName ?? "of this program"): \(failure.errno)"
        case .clone where failure.errno == .again:
            description =
                "no more processes may be started now (\(failure.errno)); try again later"
        case .clone where failure.errno == .noChild:
            description =
                "the process that starts commands was killed (\(failure.errno)); try again"
        case .clone, .session, .descriptors, .limits, .group:
            description = "the process could not be made: \(failure.step), \(failure.errno)"
        }
    }

    private static func words(_ errno: Errno, _ program: String, _ paths: [String]) -> String {
        switch errno {
        case .notFound:
            let isThere = paths.contains { (try? FileStatus.of($0)) != nil }
            return isThere
                ? "\(program) is there, its interpreter or loader is not (ENOENT)"
                : "there is no program \(program) (ENOENT)"
        case .accessDenied:
            return "\(program) may not be run (EACCES): it is not executable, or a folder on the "
                + "way is closed to this user"
        case .notExecutable:
            return "\(program) is no program (ENOEXEC): its format is unknown, or it lacks the "
                + "line #! that names an interpreter"
        case .argumentsTooLong:
            return "the arguments and the environment are too long (E2BIG); pass them by input"
        case .again:
            return "the user may have no more processes now (EAGAIN); try again later"
        default:
            return "\(program): \(errno)"
        }
    }
}
