import Kernel
import Synchronization
import Wire

/// Keeps the one program that holds file systems frozen: `vireo-freeze`.
///
/// Freezing is a request to a process of its own, which thaws by itself when its deadline passes or
/// when this process is gone, be it by SIGKILL: a frozen machine whose agent died would hang for
/// ever. It is started when a freeze is planned and ends with the thaw. Requests reach it by a
/// socket in the abstract name space, so that nothing in between touches a disk.
public final class FileSystemFreezer: Sendable {
    private struct Holder: ~Copyable {
        let process: ChildProcess
        let name: String
        /// The holder's standing connection to us: it thaws when our end is closed.
        let lifeLine: FileDescriptor
        /// When it will have thawed at the latest.
        var deadline: MonotonicTime
    }

    /// Absolute path of `vireo-freeze`.
    public let program: String
    private let holder = Mutex<Holder?>(nil)
    /// Holders that were let go, until they have ended and are waited for.
    private let leaving = Mutex<[ChildProcess]>([])

    public init(program: String) {
        self.program = program
    }

    /// Whether file systems are, or may be, frozen on our request.
    public var isFrozen: Bool {
        holder.withLock { holder in
            forgetEnded(&holder)
            return holder != nil
        }
    }

    /// The holder, which whoever ends left-over children has to spare: it thaws by itself.
    public var holderPID: Int32? {
        holder.withLock { holder in
            forgetEnded(&holder)
            switch holder {
            case .some(let present): return present.process.pid
            case .none: return nil
            }
        }
    }

    /// The arguments of a request to a fresh holder, which is started now.
    ///
    /// - Throws: `BUSY` while another holds, `UNSUPPORTED_PLATFORM` without the program.
    func start(deadlineSeconds: Int64) throws(ActionFailure) -> [String] {
        guard (try? FileStatus.of(program)) != nil else {
            throw .unsupported("\(program) is not installed; it comes with the package vireo")
        }
        let result = holder.withLock { holder -> Result<String, ActionFailure> in
            forgetEnded(&holder)
            guard holder == nil else {
                return .failure(
                    ActionFailure(
                        code: .busy, reason: "file systems are frozen already; send Thaw first"))
            }
            do throws(Errno) {
                let name = "vireo-freeze-\(RandomName.hexadecimal())"
                let pair = try UnixSocket.pair()
                let process = try ChildProcess.start(
                    program, arguments: ["hold", name],
                    unblocked: [Signals.terminate, Signals.interrupt, Signals.hangUp],
                    inherited: pair.far)
                holder = Holder(
                    process: process, name: name, lifeLine: pair.takeNear(),
                    deadline: MonotonicTime.now.adding(
                        milliseconds: UInt64(deadlineSeconds + 30) * 1000))
                return .success(name)
            } catch {
                return .failure(.failed("\(program): \(error)"))
            }
        }
        return [
            program, "freeze", "--holder", try result.get(), "--deadline", "\(deadlineSeconds)",
        ]
    }

    /// The arguments of a request to thaw: of the holder's file systems, or of every one when there
    /// is no holder, such as after a restart.
    func thawArguments() -> [String] {
        let name = holder.withLock { holder -> String? in
            forgetEnded(&holder)
            switch holder {
            case .some(let present): return present.name
            case .none: return nil
            }
        }
        return name.map { [program, "thaw", "--holder", $0] } ?? [program, "thaw"]
    }

    /// Lets go of the holder, which ends and thaws whatever it still held.
    func end() { holder.withLock { release(&$0) } }

    private func release(_ holder: inout Holder?) {
        switch holder {
        case .some(let present):
            let process = present.process
            leaving.withLock { $0.append(process) }
        case .none: break
        }
        holder = nil
    }

    private func forgetEnded(_ holder: inout Holder?) {
        leaving.withLock { all in
            all.removeAll { $0.ended() != nil || !ProcessHandle.exists($0.pid) }
        }
        let hasEnded: Bool
        let isLate: Bool
        switch holder {
        case .some(let present):
            // Whoever reaps every child of this process may have reaped this one too.
            let process = present.process
            hasEnded = process.ended() != nil || !ProcessHandle.exists(process.pid)
            isLate = present.deadline < MonotonicTime.now
        case .none: return
        }
        if hasEnded {
            holder = nil
        } else if isLate {
            release(&holder)
        }
    }
}

/// Names that nobody can guess.
enum RandomName {
    static func hexadecimal() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let word = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }
}
