import IOEngine
import Kernel
import Wire

/// How a command ends, and how it is made to.
extension CommandRunner {
    func handle(
        _ completion: consuming Completion, of slot: CommandSlot, _ stream: Stream
    ) {
        switch consume completion {
        case .read(_, let lease, let transfer):
            let isNews = slot.readEnded(stream, lease, transfer)
            if isNews, !slot.isAnswered { owner?.commandPrinted(slot.key) }
            if slot.phase == .draining { finishIfDrained(slot) }
        case .written(_, let lease, let transfer): slot.writeEnded(stream, lease, transfer)
        case .edge:
            if stream == slot.childStream {
                childMayHaveEnded(slot)
            } else {
                slot.edge(stream)
            }
        case .closed:
            slot.closed(stream)
            if slot.phase == .closing { finishIfClosed(slot) }
        default: preconditionFailure("a completion of a stream that is none")
        }
    }

    func timerFired(_ slot: CommandSlot) {
        let isOver = MonotonicTime.now >= slot.phaseEnds
        switch slot.phase {
        case .running:
            slot.cause = .timedOut
            terminate(slot)
        case .terminating: kill(slot)
        case .killing:
            endFamily(slot)
            if isOver { answerForTheStuck(slot) } else { set(slot, endingAt: slot.phaseEnds) }
        case .draining:
            let left = endFamily(slot)
            guard !isOver || left > 0 && !isLate(slot) else { return close(slot) }
            set(slot, endingAt: isOver ? .now.adding(milliseconds: 1) : slot.phaseEnds)
            if left == 0 { finishIfDrained(slot) }
        case .free, .closing: break
        }
    }

    /// Descendants that neither ended nor can be killed are not waited for.
    private func isLate(_ slot: CommandSlot) -> Bool {
        guard let endedAt = slot.endedAt else { return true }
        let age = MonotonicTime.now.nanoseconds(since: endedAt)
        return age >= RunningLimits.killMilliseconds * 1_000_000
    }

    /// Asks everybody to end.
    func terminate(_ slot: CommandSlot) {
        slot.phase = .terminating
        slot.family?.note()
        if let group = slot.group {
            group.signal(Signals.terminate)
        } else {
            slot.child?.signalGroup(Signals.terminate)
        }
        set(slot, endingAt: .now.adding(milliseconds: slot.specification.graceMilliseconds))
    }

    func kill(_ slot: CommandSlot) {
        slot.phase = .killing
        endFamily(slot)
        slot.child?.signal(Signals.kill)
        set(slot, endingAt: .now.adding(milliseconds: RunningLimits.killMilliseconds))
    }

    /// Kills all processes of the command.
    ///
    /// - Returns: how many were found alive, where that is not known by the group.
    @discardableResult
    private func endFamily(_ slot: CommandSlot) -> Int {
        if let group = slot.group {
            if group.isPopulated { group.kill() }
            return 0
        }
        return slot.family?.kill(sparing: leaders(except: slot)) ?? 0
    }

    private func childMayHaveEnded(_ slot: CommandSlot) {
        guard slot.end == nil, let child = slot.child, let end = child.reap() else { return }
        slot.end = end
        slot.endedAt = .now
        slot.closeChild()
        if let failure = child.startFailure(), slot.startFailure == nil {
            slot.startFailure = StartFailure(failure, of: slot.specification)
        }
        guard !slot.isAnswered else { return close(slot) }
        slot.phase = .draining
        let left = endFamily(slot)
        set(slot, endingAt: .now.adding(milliseconds: RunningLimits.drainMilliseconds))
        if left == 0 { finishIfDrained(slot) }
    }

    private func finishIfDrained(_ slot: CommandSlot) {
        // Where no group says that nobody is left, the look of the timer has to.
        guard slot.isDrained, slot.phase == .draining else { return }
        if slot.family != nil, endFamily(slot) > 0 { return }
        close(slot)
    }

    private func close(_ slot: CommandSlot) {
        slot.phase = .closing
        engine.setTimer(slot.timer, at: nil)
        slot.closePipes()
        answer(slot)
        finishIfClosed(slot)
    }

    /// Answers once; the key is the owner's again only when the slot is free.
    private func answer(_ slot: CommandSlot) {
        guard !slot.isAnswered else { return }
        slot.isAnswered = true
        owner?.commandEnded(slot.key, result(of: slot))
    }

    /// The kernel holds the command, and no signal reaches it: the answer says so, and the slot
    /// stays taken until it is let go.
    private func answerForTheStuck(_ slot: CommandSlot) {
        engine.setTimer(slot.timer, at: nil)
        slot.closePipes()
        answer(slot)
    }

    func finishIfClosed(_ slot: CommandSlot) {
        guard !slot.hasStreams else { return }
        answer(slot)
        if let group = slot.group { isolation.release(group) }
        sweepSoon()
        slot.group = nil
        slot.family = nil
        slot.child = nil
        slot.phase = .free
        owner?.commandSlotFreed()
    }

    private func result(of slot: CommandSlot) -> CommandResult {
        let ended = slot.endedAt ?? .now
        var result = CommandResult(
            outcome: .exited,
            milliseconds: ended.nanoseconds(since: slot.startedAt) / 1_000_000,
            isolation: slot.group == nil ? .processGroup : .cgroup,
            standardOutput: slot.standardOutput, standardError: slot.standardError)
        switch slot.end {
        case .exited(let code): result.exitCode = code
        case .signalled(let number):
            result.outcome = .signalled
            result.signal = number
        case nil: result.isLeftRunning = slot.child != nil
        }
        if let cause = slot.cause { result.outcome = cause }
        if let failure = slot.startFailure {
            result.outcome = .failedToStart
            result.failure = failure
            result.exitCode = nil
            result.signal = nil
        }
        return result
    }
}
