public import IOEngine
import Kernel
import Slabs
public import Wire

/// What a runner tells its owner. Calls come from within its own calls and
/// ``CommandRunner/handle(_:)``, on the engine's thread.
public protocol CommandRunnerOwner: AnyObject {
    /// The command printed something, or ended a stream: ``CommandRunner/takeChunk(_:)`` may have
    /// more.
    func commandPrinted(_ key: UInt64)
    /// The command is over. Its place may still be taken for a moment.
    func commandEnded(_ key: UInt64, _ result: CommandResult)
    /// ``CommandRunner/hasRoom`` may be true again.
    func commandSlotFreed()
}

/// Runs a few commands at a time on one loop: no thread, no wait, nothing left behind.
///
/// ```swift
/// let runner = try CommandRunner(engine: engine, isolation: Isolation(), firstTimer: TimerKey(8))
/// runner.owner = service
/// var command = CommandSpecification(arguments: ["uname", "-a"])
/// command.timeoutSeconds = 5
/// runner.start(command, key: 1)
/// engine.turn { completion in _ = runner.handle(completion) }
/// ```
///
/// A command has a control group of its own, or what ``Isolation`` says instead; its own session;
/// no descriptor but three; an empty environment but for what is named; its input closed or fed.
/// It is asked to end at its time-out, killed after the grace with all that it started, and
/// answered for as soon as it has ended: whoever else holds its pipes is dead by then, and is not
/// waited for. Its output is read to the end always, kept up to a cap, and counted beyond.
public final class CommandRunner {
    public weak var owner: (any CommandRunnerOwner)?
    public let isolation: Isolation
    let engine: IOEngine
    private let firstTimer: TimerKey
    var slots: [CommandSlot] = []
    /// Whether all children of this process are this runner's, so that strays may be ended.
    private let ownsProcess: Bool
    /// Tells this runner's commands from those of another in the same process.
    private let mark = String(UInt64.random(in: 0...UInt64.max), radix: 16)

    /// Timers that a runner takes, from the first on: one a command and one for itself.
    public static let timerCount = UInt32(RunningLimits.runningMax + 1)
    /// Streams of the engine that it takes at most.
    public static let streamCount = RunningLimits.runningMax * 4

    /// - Parameters:
    ///   - engine: carries pipes and timers; its completions are passed to ``handle(_:)``.
    ///   - isolation: where commands run, and what holds them.
    ///   - firstTimer: the first of ``timerCount`` timers of the engine that are the runner's.
    ///   - ownsProcess: whether the process has no children outside its own process group but those
    ///     of the runner.
    public init(
        engine: IOEngine, isolation: Isolation, firstTimer: TimerKey, ownsProcess: Bool = false
    ) {
        self.engine = engine
        self.isolation = isolation
        self.firstTimer = firstTimer
        self.ownsProcess = ownsProcess
    }

    private var sweepTimer: TimerKey {
        TimerKey(firstTimer.number + UInt32(RunningLimits.runningMax))
    }

    /// Commands that run now, those included that have ended and are being put away.
    public var runningCount: Int { slots.count { $0.phase != .free } }
    public var hasRoom: Bool { runningCount < RunningLimits.runningMax }
    /// Nothing runs, and nothing is left to be put away.
    public var isIdle: Bool { runningCount == 0 && !isolation.hasLeftovers }

    // MARK: Starting

    /// Starts a command. Its end comes by the owner, even when it could not be started.
    ///
    /// - Precondition: ``hasRoom``, and no command of that key runs.
    public func start(_ specification: CommandSpecification, key: UInt64) {
        precondition(hasRoom && slot(key) == nil, "no room, or the key is taken")
        let slot: CommandSlot
        do {
            slot = try freeSlot()
        } catch {
            let failure = StartFailure("there is no memory for it: \(error)")
            owner?.commandEnded(key, notStarted(failure, specification))
            return
        }
        slot.begin(specification, key: key)
        do throws(StartFailure) {
            try launch(slot)
        } catch {
            abandon(slot, error)
            return
        }
        slot.phase = .running
        let nanoseconds = UInt64(specification.timeoutSeconds * 1e9)
        set(slot, endingAt: slot.startedAt.adding(nanoseconds: nanoseconds))
    }

    private func freeSlot() throws(SlabError) -> CommandSlot {
        if let slot = slots.first(where: { $0.phase == .free }) { return slot }
        let timer = TimerKey(firstTimer.number + UInt32(slots.count))
        let slot = try CommandSlot(engine: engine, isolation: isolation, timer: timer)
        slots.append(slot)
        return slot
    }

    private func launch(_ slot: CommandSlot) throws(StartFailure) {
        let specification = slot.specification
        if let fault = specification.fault { throw StartFailure(fault) }
        do {
            var output = try ChildPipe(reads: true)
            var error = try ChildPipe(reads: true)
            if specification.takesInput {
                var input = try ChildPipe(reads: false)
                try spawn(slot, input.childEnd, output.childEnd, error.childEnd)
                try attach(slot, output.takeOwnEnd(), error.takeOwnEnd(), input.takeOwnEnd())
            } else {
                let nothing = try FileDescriptor.nullDevice()
                try spawn(slot, nothing, output.childEnd, error.childEnd)
                try attach(slot, output.takeOwnEnd(), error.takeOwnEnd(), nil)
            }
        } catch let failure as StartFailure {
            throw failure
        } catch let errno as Errno {
            throw StartFailure(ChildStartFailure(.clone, errno), of: specification)
        } catch {
            throw StartFailure("\(error)")
        }
    }

    private func attach(
        _ slot: CommandSlot, _ output: consuming FileDescriptor,
        _ error: consuming FileDescriptor, _ input: consuming FileDescriptor?
    ) throws {
        guard let child = slot.child else { return }
        try slot.attach(child, output: output, error: error, input: input)
    }

    private func spawn(
        _ slot: CommandSlot, _ input: borrowing FileDescriptor,
        _ output: borrowing FileDescriptor, _ error: borrowing FileDescriptor
    ) throws {
        let specification = slot.specification
        var account: UserIdentity?
        if let name = specification.userName {
            do throws(Errno) {
                account = try UserIdentity(named: name)
            } catch {
                throw StartFailure("there is no user \(name): \(error)")
            }
        }
        let marker = "\(ProcessFamily.variable)=\(mark)-\(slot.key)"
        var environment = specification.environment.map { "\($0.key)=\($0.value)" }.sorted()
        slot.group = try? isolation.takeGroup(specification.limits)
        if slot.group == nil { environment.append(marker) }
        var child = ChildSpecification(
            paths: specification.paths, arguments: specification.arguments,
            environment: environment, directory: specification.directory, account: account,
            descriptorsMax: specification.limits.descriptorsMax)
        child.mayShareMemory = specification.mayShareMemoryAtStart
        if let group = slot.group {
            do throws(Errno) {
                let handle = try ChildHandle(
                    child, input: input, output: output, error: error, in: group.control,
                    by: group.zygote)
                slot.child = handle
                if handle.movedItself { isolation.startsAreSlow() }
                return
            } catch {
                if error == .noChild { group.kill() }
                isolation.release(group)
                slot.group = nil
                if error == .again || error == .noMemory || error == .noChild { throw error }
                isolation.giveUpGroups(error)
            }
        }
        slot.child = try ChildHandle(child, input: input, output: output, error: error)
        if let child = slot.child {
            slot.family = ProcessFamily(leader: child.pid, marker: marker)
        }
    }

    /// A command that could not be started; what there is of it is taken down.
    private func abandon(_ slot: CommandSlot, _ failure: StartFailure) {
        slot.startFailure = failure
        guard slot.child != nil, slot.childStream != nil else {
            slot.child = nil
            slot.phase = .closing
            slot.closePipes()
            finishIfClosed(slot)
            return
        }
        kill(slot)
    }

    private func notStarted(
        _ failure: StartFailure, _ specification: CommandSpecification
    ) -> CommandResult {
        var nothing = CapturedStream(bytesMax: 0)
        nothing.end()
        return CommandResult(
            outcome: .failedToStart, failure: failure, milliseconds: 0,
            isolation: isolation.kind, standardOutput: nothing, standardError: nothing)
    }

    // MARK: While it runs

    func slot(_ key: UInt64) -> CommandSlot? {
        slots.first { $0.phase != .free && $0.key == key }
    }

    public func isRunning(_ key: UInt64) -> Bool { slot(key) != nil }

    /// Feeds the command's input. One that does not read holds a megabyte up and is then ended.
    public func input(_ key: UInt64, _ bytes: [UInt8], isEnd: Bool) -> Bool {
        guard let slot = slot(key) else { return true }
        let fits = slot.input(bytes, isEnd: isEnd)
        if !fits { cancel(key) }
        return fits
    }

    /// Asks the command to end, and kills it after its grace.
    public func cancel(_ key: UInt64) {
        guard let slot = slot(key), slot.phase == .running else { return }
        slot.cause = .cancelled
        terminate(slot)
    }

    /// Kills all that runs, without grace.
    public func killAll() {
        for slot in slots where slot.phase == .running || slot.phase == .terminating {
            slot.cause = slot.cause ?? .cancelled
            kill(slot)
        }
    }

    /// The next piece of what the command printed, `nil` when there is none now.
    public func takeChunk(
        _ key: UInt64
    ) -> (stream: ExecOutput.Stream, offset: UInt64, data: ExecData)? {
        guard let slot = slot(key) else { return nil }
        if let (offset, data) = slot.standardOutput.takeChunk() {
            return (.standardOutput, offset, data)
        }
        if let (offset, data) = slot.standardError.takeChunk() {
            return (.standardError, offset, data)
        }
        return nil
    }

    // MARK: Timers

    func set(_ slot: CommandSlot, endingAt moment: MonotonicTime) {
        slot.phaseEnds = moment
        var next = moment
        // Without a group, who is left has to be looked for again and again.
        if slot.group == nil, slot.phase == .killing || slot.phase == .draining {
            let look = MonotonicTime.now.adding(milliseconds: RunningLimits.sweepMilliseconds)
            next = min(look, moment)
        }
        engine.setTimer(slot.timer, at: next)
    }

    func sweepSoon() {
        guard isolation.hasLeftovers, !engine.isTimerSet(sweepTimer) else { return }
        engine.setTimer(
            sweepTimer, at: MonotonicTime.now.adding(milliseconds: RunningLimits.sweepMilliseconds))
    }

    /// Takes a completion that is this runner's; gives any other back.
    public func handle(_ completion: consuming Completion) -> Completion? {
        if let stream = completion.stream {
            guard let slot = slots.first(where: { $0.owns(stream) }) else { return completion }
            handle(completion, of: slot, stream)
            return nil
        }
        guard let key = completion.timerKey else { return completion }
        if key == sweepTimer {
            isolation.sweep()
            sweepSoon()
            return nil
        }
        guard let slot = slots.first(where: { $0.timer == key }) else { return completion }
        timerFired(slot)
        return nil
    }

    /// A child of this process has ended that may be nobody's leader: its remains are taken, and
    /// with no command running, what is left of earlier ones is ended. Helpers that this program
    /// started itself are in its own process group, and no command is.
    public func childEnded() {
        guard ownsProcess, isolation.kind == .processGroup else { return }
        let leaders = leaders(except: nil)
        let (own, ownGroup) = (ProcessTree.ownPid, ProcessTree.ownGroup)
        for process in ProcessTree.read().processes
        where process.parent == own && process.group != ownGroup
            && !leaders.contains(process.pid)
        {
            if process.isZombie {
                ProcessTree.reapAdopted(process.pid)
            } else if leaders.isEmpty {
                ProcessTree.signal(process.pid, Signals.kill)
            }
        }
    }

    func leaders(except slot: CommandSlot?) -> Set<Int32> {
        Set(slots.filter { $0 !== slot && $0.end == nil }.compactMap { $0.child?.pid })
    }
}
