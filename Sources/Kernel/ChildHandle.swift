import CLinux
import Glibc

/// What a child process becomes. Source: execve(2), credentials(7).
public struct ChildSpecification: Sendable {
    /// Paths to try one after the other, at least one.
    public var paths: [String]
    /// The name of the program and its arguments. None may hold a NUL.
    public var arguments: [String]
    /// `NAME=value`, all that there is.
    public var environment: [String]
    /// Entered as the child's user; `nil` stays where the parent is.
    public var directory: String?
    /// Whose rights the child has; `nil` keeps the parent's.
    public var account: UserIdentity?
    /// Open descriptors, RLIMIT_NOFILE.
    public var descriptorsMax: UInt64
    /// Whether the child may run in this process's memory until it becomes its program, which is
    /// faster: no page tables are copied, and no page is that either side writes next. It holds
    /// for a child that keeps its parent's rights, where the machine can do so.
    ///
    /// Not for one in a group with little memory: should the kernel run out of it before the
    /// program runs, it ends every process that shares this memory.
    public var mayShareMemory = false

    public init(
        paths: [String], arguments: [String], environment: [String], directory: String? = nil,
        account: UserIdentity? = nil, descriptorsMax: UInt64 = 1024
    ) {
        precondition(!paths.isEmpty && !arguments.isEmpty, "a program has a path and a name")
        self.paths = paths
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.account = account
        self.descriptorsMax = descriptorsMax
    }
}

/// How a child ended.
public enum ChildEnd: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)
}

/// Why a child never became its program: the step that failed and what it said.
public struct ChildStartFailure: Hashable, Sendable {
    public enum Step: Int32, Sendable {
        /// clone3(2): there is no child.
        case clone = 0
        case session, descriptors, limits, user, directory, program, group
    }

    public var step: Step
    public var errno: Errno

    public init(_ step: Step, _ errno: Errno) {
        self.step = step
        self.errno = errno
    }
}

/// A child in a session of its own, known by its pidfd. Source: clone(2), pidfd_open(2).
///
/// The child has three descriptors, an empty signal mask, every signal at its default, umask 077,
/// no core dumps and no_new_privs, and is killed with the thread that started it.
public final class ChildHandle {
    public let pid: Int32
    private var pidfd: FileDescriptor?
    private let pidfdNumber: Int32
    private let report: FileDescriptor
    /// Whether it was not born in its group but moves there itself, and waits for the kernel to do
    /// so: some ten milliseconds. A ``Zygote`` spares the next one that.
    public let movedItself: Bool
    /// What a child that shares memory reads, until it was reaped.
    private var shared: SharedWithChild?

    /// Starts a child, and returns before its program runs: ``startFailure()`` tells, once it has
    /// ended, whether it ever did.
    ///
    /// - Parameters:
    ///   - specification: the program, and what it is given.
    ///   - input: is its standard input.
    ///   - output: is its standard output.
    ///   - error: is its standard error.
    ///   - group: where it is born, with no moment outside.
    ///   - zygote: stands in that group and starts it, if it is ready.
    /// - Throws: what clone3(2) or pipe(2) say: EAGAIN at a limit of processes; ECHILD when the
    ///   zygote fails: its group has to be killed then, for nobody knows what it did.
    public init(
        _ specification: ChildSpecification, input: borrowing FileDescriptor,
        output: borrowing FileDescriptor, error: borrowing FileDescriptor,
        in group: ControlGroup? = nil, by zygote: Zygote? = nil
    ) throws(Errno) {
        let paths = CStrings(specification.paths)
        let arguments = CStrings(specification.arguments)
        let environment = CStrings(specification.environment)
        let directory = CStrings(specification.directory.map { [$0] } ?? [])
        let account = specification.account
        var spawned = unsafe clinux_spawned()
        let groups = account?.groups ?? []
        let result = unsafe groups.withUnsafeBufferPointer { groups in
            // SAFETY: all that it points to lives until the call returns, and where the child has
            // no copy of it until the child was reaped; it has one of the groups always.
            var child = unsafe clinux_child(
                paths: paths.start, arguments: arguments.start, environment: environment.start,
                directory: directory.start[0], input: input.number, output: output.number,
                error: error.number, cgroup: group?.number ?? -1,
                changes_user: account == nil ? 0 : 1, user: account?.user ?? 0,
                group: account?.group ?? 0, groups: groups.baseAddress,
                group_count: Int32(groups.count),
                descriptors_max: specification.descriptorsMax,
                shares_memory: specification.mayShareMemory ? 1 : 0,
                zygote: specification.mayShareMemory ? zygote?.ready : nil)
            return unsafe clinux_spawn(&child, &spawned)
        }
        guard result == 0 else { throw .current }
        pid = unsafe spawned.pid
        pidfdNumber = unsafe spawned.pidfd
        pidfd = unsafe FileDescriptor(owning: spawned.pidfd)
        report = unsafe FileDescriptor(owning: spawned.report)
        movedItself = unsafe spawned.moved_itself != 0
        if let room = unsafe spawned.room {
            let texts = [paths, arguments, environment, directory]
            shared = unsafe SharedWithChild(texts, room)
        }
    }

    deinit {
        // A child that nobody saw end may read it still: it is never freed.
        if let shared { _ = unsafe Unmanaged.passRetained(shared) }
    }

    /// Gives the pidfd to an engine that watches it: readable when the child has ended. Once.
    public func takeDescriptor() -> FileDescriptor {
        guard let taken = pidfd.take() else { preconditionFailure("the pidfd was given away") }
        return taken
    }

    /// How it ended, if it has; once. The descriptor must still be open.
    public func reap() -> ChildEnd? {
        var number: Int32 = 0
        // SAFETY: one number is written into a local.
        let how = unsafe clinux_reap(pidfdNumber, &number)
        guard how == 1 || how == 2 else { return nil }
        shared = nil
        return how == 1 ? .exited(number) : .signalled(number)
    }

    /// Why its program never ran, `nil` when it did. To be asked after it has ended.
    public func startFailure() -> ChildStartFailure? {
        var step: Int32 = 0
        var number: Int32 = 0
        // SAFETY: two numbers are written into locals.
        guard unsafe clinux_read_report(report.number, &step, &number) == 1 else { return nil }
        return ChildStartFailure(
            ChildStartFailure.Step(rawValue: step) ?? .program, Errno(rawValue: number))
    }

    /// Signals the child alone; it is the same process always. The descriptor must still be open.
    public func signal(_ number: Int32) {
        _ = clinux_pidfd_signal(pidfdNumber, number)
    }

    /// Signals its process group. Only before it is reaped, while its number is its own.
    public func signalGroup(_ number: Int32) {
        _ = clinux_signal_group(pid, number)
    }
}

/// What a child uses of this process's memory.
@safe private final class SharedWithChild {
    private let texts: [CStrings]
    /// SAFETY: malloc'ed by clinux_spawn and freed in deinit, after the child has ended.
    private let room: OpaquePointer

    init(_ texts: [CStrings], _ room: OpaquePointer) {
        self.texts = texts
        unsafe self.room = room
    }

    deinit { unsafe clinux_free_room(room) }
}

/// Texts as C wants them: an array of strings that ends with NULL.
@safe private final class CStrings {
    /// SAFETY: allocated in init, freed in deinit; a child that shares memory reads it until it was
    /// reaped, and ChildHandle keeps it that long.
    let start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        unsafe start = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() {
            unsafe (start + index).initialize(to: strdup(text))
        }
        unsafe (start + texts.count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { unsafe free(start[index]) }
        unsafe start.deallocate()
    }
}

extension Errno {
    /// execve(2): the format is unknown.
    public static let notExecutable = Errno(rawValue: ENOEXEC)
    /// execve(2): arguments and environment are longer than the kernel takes.
    public static let argumentsTooLong = Errno(rawValue: E2BIG)
}
