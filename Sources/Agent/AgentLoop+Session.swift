import CLinux
import IOEngine
import Kernel
import Logging
import Port
import Session
import Wire

/// How messages get numbers, leave, and are let go of. The session decides; here is done what it
/// says, in the order that `Session.docc/Session.md` gives.
extension AgentLoop {
    /// The session's clock.
    var milliseconds: UInt64 { engine.now.nanoseconds / 1_000_000 }

    func perform(_ actions: GuestSession.Actions) {
        if actions.releasedBytes > 0 {
            channel.release(actions.releasedBytes)
            noteAcknowledgedAnswers()
        }
        if actions.rewinds { channel.restart() }
        if let greeting = actions.greeting {
            pendingGreeting = greeting
            sendGreeting()
        }
        if actions.needsEpoch { mustRenewEpoch = true }
        if spool != nil { noteSpooled(actions) }
    }

    /// The handshake of the session that begins. It is the first after the restart, so there is
    /// room; while a write for the session before is in flight it waits.
    private func sendGreeting() {
        // Asked at each message, and without a copy.
        if case .none = pendingGreeting { return }
        guard channel.isSynchronized, let greeting = pendingGreeting else { return }
        let handshake = Handshake(
            vmID: configuration.vmID, version: version, capabilities: ["metrics", "ack"],
            offer: SessionOffer(greeting), wallMilliseconds: WallTime.now.millisecondsSince1970)
        if send(handshake) {
            pendingGreeting = nil
        } else {
            noteNoRoom(for: "a handshake")
        }
    }

    func take(_ answer: HandshakeAcknowledgement) {
        let before = session.state
        perform(session.answered(SessionAnswer(answer), at: milliseconds))
        guard session.state != before else { return }
        switch session.state {
        case .acknowledged:
            logger.info("the host has everything up to \(session.acknowledgedNumber)")
            commands.askForScripts()
        case .observer: logger.info("the host only watches: numbered messages wait")
        default: break
        }
        statusChanged()
    }

    /// Sets the timer to what the session waits for.
    func setSessionTimer() {
        var deadline = session.deadlineMilliseconds
        // A plain host's time for results concerns nobody while there are none.
        if session.state == .plain, outbox.count(.result) + outbox.count(.event) == 0 {
            deadline = nil
        }
        guard deadline != sessionDeadline else { return }
        sessionDeadline = deadline
        engine.setTimer(
            Key.session,
            at: deadline.map { MonotonicTime(nanoseconds: $0 * 1_000_000) })
    }

    func sessionWasDue() {
        sessionDeadline = nil
        let before = session.state
        perform(session.tick(at: milliseconds))
        guard session.state != before else { return }
        if session.state == .plain {
            if port.isOutputLost {
                noteLostOutput()
            } else {
                logger.info("the host does not acknowledge: metrics go without numbers")
            }
            commands.askForScripts()
        }
        statusChanged()
    }

    // MARK: Sending

    /// Moves what waits into the send ring as far as it should, and starts writing.
    func sendMore() {
        guard port.state == .present else { return }
        sendGreeting()
        if mustRenewEpoch, !channel.isWriteInFlight, !channel.hasLooseData { renewEpoch() }
        let now = milliseconds
        noteDepartures(at: now)
        if case .none = pendingGreeting { moveData(at: now) }
        channel.sendMore()
    }

    private func noteDepartures(at now: UInt64) {
        let total = channel.departedBytes
        guard total > departedBytes else { return }
        session.departed(bytes: Int(total - departedBytes), at: now)
        departedBytes = total
    }

    private func moveData(at now: UInt64) {
        // Asked at each message: most of the time nothing waits, or may leave.
        switch session.state {
        case .absent, .greeting, .rolledBack: break
        case .plain, .observer: while admitNext(at: now) {}
        case .acknowledged:
            if session.hasEarlierToLeave { grantEarlier(at: now) }
            repeat { grant(at: now) } while admitNext(at: now)
        }
    }

    /// What has a number and may leave.
    private func grant(at now: UInt64) {
        while channel.mayGrant {
            if session.isSkipNext, !channel.isAtFrameStart { return }
            guard let departure = session.nextDeparture(at: now) else { return }
            switch departure {
            case .frame(_, let bytes): channel.grant(bytes)
            case .skipped(let range, let bytes):
                let skipped = Skipped(
                    epoch: Epoch(session.epoch), range: NumberRange(range),
                    wallMilliseconds: WallTime.now.millisecondsSince1970)
                // Without room for it the host sees a jump, asks, and reads of it in the handshake.
                if !send(skipped) { noteNoRoom(for: "a declaration of lost numbers") }
                channel.pass(bytes)
            }
        }
    }

    /// In the order in which they leave.
    private static let dataClasses: [MessageClass] = [.result, .event, .metrics]

    /// The next message of the first class that has one which may leave.
    ///
    /// - Returns: whether there was one.
    private func admitNext(at now: UInt64) -> Bool {
        guard !outbox.isEmpty, channel.unsentDataBytes < AgentLimits.unsentDataBytesMax else {
            return false
        }
        for messageClass in Self.dataClasses {
            guard let next = outbox.first(of: messageClass, where: { mayLeave($0, at: now) }) else {
                continue
            }
            switch session.admission(of: messageClass, answering: answered(next.message), at: now) {
            case .wait: continue
            case .unnumbered: if !sendLoose(next.message) { continue }
            case .numbered(let number): if !enter(next.message, messageClass, number) { continue }
            }
            outbox.remove(of: messageClass, at: next.place)
            if configuration.isOnce, messageClass == .metrics { end(nil) }
            return true
        }
        return false
    }

    /// To an observer go the answers to its own commands, and those of others wait: they hold up
    /// none behind them.
    private func mayLeave(_ message: Message, at now: UInt64) -> Bool {
        guard session.state == .observer, case .result = message else { return true }
        return session.admission(of: .result, answering: answered(message), at: now) != .wait
    }

    private func answered(_ message: Message) -> UInt64? {
        guard case .result(let answer) = message else { return nil }
        return commands.session(of: answer) ?? session.session
    }

    /// Frames that nobody acknowledges go into the data ring; into the control ring, which has room
    /// for short ones, while the data ring keeps what another host has to have.
    private func sendLoose(_ message: Message) -> Bool {
        let isSent =
            channel.keptBytes == 0
            ? channel.append(loose: { space in encode(message, nil, into: space) })
            : channel.appendControl { space in encode(message, nil, into: space) }
        guard case .result(let answer) = message else { return isSent }
        if isSent || refuseTooLong(answer) {
            noteLeft(answer, nil)
            return true
        }
        return false
    }

    /// An answer that the control ring could not hold even empty would hold up all behind it until
    /// the numbered messages' own host comes: whoever asked hears so instead.
    private func refuseTooLong(_ answer: RelayAnswer) -> Bool {
        guard channel.keptBytes > 0, channel.unsentControlBytes == 0 else { return false }
        var response = CommandResponse(
            id: answer.message.id, success: false, commandType: "",
            wallMilliseconds: WallTime.now.millisecondsSince1970)
        response.error = ErrorCode.resourceLimit.rawValue
        response.stderr =
            "the answer is too long for an observer while messages wait for their own host: ask "
            + "through vireo host watch --state, or for less"
        answersRefused += 1
        return send(response)
    }

    /// - Returns: whether there was room: not while what is kept leaves less than the largest frame
    ///   takes, for a sample would lose rows that have their place a moment later.
    private func enter(
        _ message: Message, _ messageClass: MessageClass, _ number: UInt64
    ) -> Bool {
        guard !channel.hasLooseData else { return false }
        let reserved = (session.keptMessages + 1) * SessionLimits.forkBytesMax
        guard channel.freeDataBytes - reserved >= SessionLimits.frameBytesMax else { return false }
        let numbering = Numbering(epoch: Epoch(session.epoch), sequence: number)
        let bytes = channel.append(kept: { space in
            encode(
                message, numbering,
                into: space._consumingExtracting(first: SessionLimits.numberedFrameBytesMax))
        })
        guard bytes > 0 else { return false }
        session.enter(messageClass, bytes: bytes)
        if case .result(let answer) = message { noteLeft(answer, number) }
        if spool != nil { spoolFrame(number, messageClass, bytes: bytes) }
        return true
    }

    /// - Returns: the frame's bytes, 0 if there was no room.
    private func encode(
        _ message: Message, _ numbering: Numbering?, into space: consuming MutableRawSpan
    ) -> Int {
        var writer = JSONWriter(space)
        switch message {
        case .metrics(let sample):
            let message = MetricsMessage(
                sample, droppedMessages: outbox.dropped, numbering: numbering)
            guard case .written(let count, _) = message.encode(into: &writer) else { return 0 }
            return count
        case .result(let answer):
            var message = answer.message
            message.numbering = numbering
            message.wallMilliseconds = WallTime.now.millisecondsSince1970
            guard case .written(let count) = message.encode(into: &writer) else { return 0 }
            return count
        }
    }

    /// A result must not wait behind old samples that no host has acknowledged: before a new
    /// session says what there is, as many of them are declared lost as the results need.
    func makeRoomForResults() {
        let wanted = outbox.bytes(.result) + outbox.bytes(.event)
        guard wanted > 0, !channel.isWriteInFlight else { return }
        let free = channel.freeDataBytes - SessionLimits.frameBytesMax
        guard wanted > free else { return }
        perform(session.giveUpMetrics(bytes: wanted - free))
    }

    // MARK: A snapshot

    /// The host knows numbers that were never sent: this machine was restored from a snapshot.
    /// Everything kept goes on under other numbers, in an epoch of its own.
    private func renewEpoch() {
        mustRenewEpoch = false
        let old = Epoch(session.epoch)
        let new = MachineIdentity.newEpoch()
        let frames = channel.takeKept()
        var position = 0
        var answers = answerNumbers
        answerNumbers.removeAll()
        let actions = session.renewEpoch(SessionEpoch(new), at: milliseconds) { renumbering in
            let frame = frames[position..<(position + renumbering.oldBytes)]
            position += renumbering.oldBytes
            guard !renumbering.isGivenUp else { return 0 }
            let numbering = Numbering(epoch: new, sequence: renumbering.newNumber)
            let before = Numbering(epoch: old, sequence: renumbering.oldNumber)
            guard let bytes = numbering.replacing(before, in: frame) else {
                preconditionFailure("a kept frame is not where its number says")
            }
            let count = channel.append(kept: { space in
                var space = space
                return space.fill(bytes)
            })
            precondition(count == bytes.count, "room to renumber is reserved")
            if let answer = answers.first, answer.number == renumbering.oldNumber {
                answers.removeFirst()
                answerNumbers.append((renumbering.newNumber, answer.key))
            }
            return count
        }
        logger.notice(
            "the host knows more than this guest sent, as after a snapshot: a new epoch begins",
            metadata: ["EPOCH": "\(new)"])
        commands.renew(new)
        if spool != nil { beginSpool() }
        perform(actions)
    }

    // MARK: State for people

    /// What kind of host that is, behind where it is.
    var sessionState: String {
        switch session.state {
        case .absent, .greeting: ""
        case .acknowledged: " (acknowledging, \(session.keptMessages) unacknowledged)"
        case .plain: " (plain)"
        case .observer: " (observer)"
        case .rolledBack: " (renumbering)"
        }
    }
}

extension MutableRawSpan {
    /// Copies `bytes` to the start, if they fit.
    ///
    /// - Returns: how many were copied, 0 if they do not fit.
    mutating func fill(_ bytes: [UInt8]) -> Int {
        guard bytes.count <= byteCount else { return 0 }
        clinux_copy(&self, RawSpan(_elements: bytes.span))
        return bytes.count
    }
}

extension SessionEpoch {
    init(_ epoch: Epoch) { self.init(high: epoch.high, low: epoch.low) }
}

extension Epoch {
    init(_ epoch: SessionEpoch) { self.init(high: epoch.high, low: epoch.low) }
}

extension NumberRange {
    init(_ range: SessionRange) { self.init(from: range.from, to: range.to) }
}

extension SessionOffer {
    init(_ greeting: SessionGreeting) {
        self.init(
            epoch: Epoch(greeting.epoch), session: greeting.session, first: greeting.first,
            next: greeting.next)
        gaps = greeting.gaps.map { NumberRange($0) }
        spooled = greeting.spooled.map {
            SpooledOffer(epoch: Epoch($0.epoch), first: $0.first, next: $0.next)
        }
        forkedFrom = greeting.forkedFrom.map { Epoch($0) }
    }
}

extension SessionAnswer {
    init(_ answer: HandshakeAcknowledgement) {
        self.init(
            epoch: SessionEpoch(answer.epoch), session: answer.session, received: answer.received,
            windowBytes: answer.windowBytes,
            acknowledges: !answer.isObserver && answer.capabilities.contains("ack"),
            spooled: answer.spooled?.map {
                HostSession.StoredEpoch(epoch: SessionEpoch($0.epoch), received: $0.received)
            })
    }
}
