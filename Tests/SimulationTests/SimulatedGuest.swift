import Session
import Spool

/// An agent: its session, its send ring, its queues. A value, so that a snapshot is a copy.
struct SimulatedGuest {
    private(set) var session: GuestSession
    private var cursor = RingCursor()
    /// The kept bytes; the first stands at `ringStart` of the cursor's positions.
    private var ring: [UInt8] = []
    private var ringStart: UInt64 = 0
    /// What stands in the ring, for the ledger; the first has the number `keptFirst`.
    private var kept: [Ledger.Message] = []
    private var keptFirst: UInt64 = 1
    /// Control and unnumbered frames: nobody keeps them.
    private var loose: [UInt8] = []
    private var isMidFrame = false
    /// Whether a write takes more than one frame.
    var coalesces = true
    /// What earlier lives left on the disk, and what of it is on its way.
    private var earlier: [SpooledFrames] = []
    private var earlierOut: [UInt8] = []
    var disk: SimulatedDisk?
    /// Numbers up to it had to do without the disk.
    private var restedThrough: UInt64 = 0
    private var queues: [[Ledger.Message]] = [[], [], [], []]
    private var reader = LineReader()
    private var lastReleased: [UInt8] = []
    var wasRestored = false
    var bug: PlausibleBug?
    private(set) var peakKeptBytes = 0
    private(set) var queueDropped = 0

    init(epoch: SessionEpoch, disk: SimulatedDisk?, bug: PlausibleBug?, _ ledger: Ledger) {
        self.disk = disk
        self.bug = bug
        if bug != .spoolForgotten { earlier = self.disk?.read(ledger) ?? [] }
        session = GuestSession(
            epoch: epoch, awaitsMedium: disk != nil && bug != .leavesBeforeItIsDurable,
            earlier: earlier.map(\.numbers))
        for frames in earlier {
            frames.forEachFrame { number, _, bytes in
                guard let message = Self.message(bytes) else { return ledger.fail("half a frame") }
                ledger.foundOnDisk(frames.epoch, number, message)
            }
        }
    }

    private static func message(_ frame: ArraySlice<UInt8>) -> Ledger.Message? {
        guard let line = SimulatedLine(frame.dropLast()), line.kind == .numbered else { return nil }
        return Ledger.Message(
            id: line.values[3], messageClass: MessageClass(rawValue: Int(line.values[4]))!,
            padding: line.padding)
    }

    var waiting: Int {
        queues.reduce(kept.count) { $0 + $1.count } + session.earlierMessages
    }

    var everything: [Ledger.Message] {
        var spooled: [Ledger.Message] = []
        for frames in earlier {
            frames.forEachFrame { if let message = Self.message($2) { spooled.append(message) } }
        }
        return spooled + kept + queues.flatMap { $0 }
    }

    mutating func append(_ message: Ledger.Message) {
        queues[message.messageClass.rawValue].append(message)
        if queues[MessageClass.metrics.rawValue].count > 200 {
            queues[MessageClass.metrics.rawValue].removeFirst()
            queueDropped += 1
        }
    }

    // MARK: Events

    mutating func handle(_ ledger: Ledger, _ event: (inout GuestSession) -> GuestSession.Actions) {
        let epoch = session.epoch
        perform(event(&session), epoch, ledger)
    }

    private mutating func perform(
        _ actions: GuestSession.Actions, _ epoch: SessionEpoch, _ ledger: Ledger
    ) {
        if actions.releasedMessages > 0 { release(actions, epoch, ledger) }
        if actions.rewinds { cursor.rewind() }
        if let greeting = actions.greeting { send(greeting) }
        if actions.needsEpoch { ledger.rolledBack(wasRestored: wasRestored) }
        for epoch in actions.finishedEpochs { finish(epoch, ledger) }
        if session.keptMessages == 0 { disk?.release() }
    }

    private mutating func finish(_ epoch: SessionEpoch, _ ledger: Ledger) {
        guard let place = earlier.firstIndex(where: { $0.epoch == epoch }) else {
            return ledger.fail("an epoch ends that nobody knows")
        }
        earlier.remove(at: place).forEachFrame { number, _, bytes in
            if let message = Self.message(bytes) { ledger.release(epoch, number, message) }
        }
        disk?.remove(epoch)
    }

    // MARK: The disk

    mutating func syncDisk(_ ledger: Ledger) {
        guard let through = disk?.sync(ledger) else { return }
        session.madeDurable(session.epoch, through: through)
    }

    /// - Returns: whether there was something to lose.
    mutating func failDisk(_ random: inout SplitMix) -> Bool {
        guard disk != nil, disk?.isResting == false, session.undurableMessages > 0 else {
            return false
        }
        disk?.fail(&random)
        letGo(through: session.next - 1)
        return true
    }

    /// Everything kept goes to the disk from its start.
    mutating func beginDisk(anotherEpoch: Bool = false) {
        guard disk != nil else { return }
        disk?.begin(anotherEpoch: anotherEpoch)
        restedThrough = anotherEpoch ? 0 : restedThrough
        if let range = session.givenUpBeforeKept { disk?.giveUp(range, session.epoch) }
        var entries: [(number: UInt64, bytes: Int)] = []
        session.forEachKept { entries.append(($0, $2)) }
        var position = Int(cursor.target - ringStart)
        for entry in entries {
            disk?.append(
                Array(ring[position..<(position + entry.bytes)]), session.epoch, entry.number,
                kept[Int(entry.number - keptFirst)])
            position += entry.bytes
        }
    }

    private mutating func release(
        _ actions: GuestSession.Actions, _ epoch: SessionEpoch, _ ledger: Ledger
    ) {
        for message in kept.prefix(actions.releasedMessages) {
            ledger.release(epoch, keptFirst, message)
            keptFirst += 1
        }
        if bug == .resendFromK {
            let end = Int(cursor.target - ringStart) + actions.releasedBytes
            let last = kept[actions.releasedMessages - 1]
            let line = SimulatedLine(
                .numbered,
                epoch.values + [keptFirst - 1, last.id, UInt64(last.messageClass.rawValue), 0],
                padding: last.padding)
            lastReleased = end > 0 ? line.bytes : []
        }
        kept.removeFirst(actions.releasedMessages)
        cursor.release(actions.releasedBytes)
        trim()
    }

    private mutating func trim() {
        let done = Int(cursor.released - ringStart)
        guard done > 65_536 || done == ring.count else { return }
        ring.removeFirst(done)
        ringStart = cursor.released
    }

    private mutating func send(_ greeting: SessionGreeting) {
        isMidFrame = false
        earlierOut = []
        loose = bug == .noNewline ? [] : [0x0a]
        loose += SimulatedLine(greeting).bytes
    }

    mutating func renewEpoch(_ epoch: SessionEpoch, at now: UInt64, _ ledger: Ledger) {
        var position = Int(cursor.target - ringStart)
        var newRing: [UInt8] = []
        var newKept: [Ledger.Message] = []
        var newCursor = RingCursor()
        var old = kept[...]
        let actions = session.renewEpoch(epoch, at: now) { [ring] renumbering in
            let message = old.removeFirst()
            let bytes = ring[position..<(position + renumbering.oldBytes - 1)]
            position += renumbering.oldBytes
            guard !renumbering.isGivenUp else { return 0 }
            guard var line = SimulatedLine(bytes), line.values[3] == message.id else {
                ledger.fail("number \(renumbering.oldNumber) is not where it should be")
                return 1
            }
            line.values.replaceSubrange(0..<3, with: epoch.values + [renumbering.newNumber])
            line.values[5] = 1
            ledger.enter(epoch, renumbering.newNumber, message)
            newKept.append(message)
            newRing += line.bytes
            newCursor.append(newRing.count - Int(newCursor.written))
            return line.bytes.count
        }
        kept = newKept
        keptFirst = 1
        ring = newRing
        ringStart = 0
        cursor = newCursor
        beginDisk(anotherEpoch: true)
        perform(actions, epoch, ledger)
    }

    mutating func giveUpMetrics(bytes: Int, _ ledger: Ledger) {
        let known = session.gaps
        let actions = session.giveUpMetrics(bytes: bytes)
        // What is new among the gaps has to be in the ledger before it is let go of.
        for gap in session.gaps {
            for number in gap.from...gap.to where !known.contains(where: { $0.contains(number) }) {
                ledger.giveUp(session.epoch, number, kept[Int(number - keptFirst)])
            }
        }
        perform(actions, session.epoch, ledger)
    }

    // MARK: The port

    mutating func read(_ port: inout SimulatedPort, at now: UInt64, _ ledger: Ledger) {
        let piece = port.guestRead()
        guard !piece.isEmpty else { return }
        var lines: [SimulatedLine] = []
        reader.take(piece) { line in
            guard let whole = SimulatedLine(line) else { return ledger.readHalf(line) }
            lines.append(whole)
        }
        for line in lines { take(line, at: now, ledger) }
    }

    /// The half line of a host that left cannot be finished.
    mutating func dropHalfLine() { reader.reset() }

    private mutating func take(_ line: SimulatedLine, at now: UInt64, _ ledger: Ledger) {
        switch line.kind {
        case .request: handle(ledger) { $0.greetingRequested(at: now) }
        case .answer:
            var answer = line.answer
            if bug == .epochNotChecked { answer.epoch = session.epoch }
            let before = session.state
            handle(ledger) { $0.answered(answer, at: now) }
            if bug == .resendFromK, before == .greeting, session.state == .acknowledged {
                loose += lastReleased
            }
        case .acknowledgement:
            let epoch =
                bug == .epochNotChecked ? session.epoch : SessionEpoch(line.values[0...1])
            handle(ledger) { $0.acknowledged(epoch, through: line.values[2], at: now) }
        default: ledger.fail("a host says \(line.kind)")
        }
    }

    /// Admits, grants and writes until the port or the session says no.
    mutating func send(_ port: inout SimulatedPort, writes: Int, at now: UInt64, _ ledger: Ledger) {
        for _ in 0..<writes {
            admit(at: now, ledger)
            grant(at: now, ledger)
            guard let count = write(&port), count > 0 else { return }
            session.departed(bytes: count, at: now)
        }
        check(ledger)
    }

    private mutating func admit(at now: UInt64, _ ledger: Ledger) {
        var isBlocked = false
        while !isBlocked {
            isBlocked = true
            for messageClass in [MessageClass.result, .event, .metrics] {
                guard let message = queues[messageClass.rawValue].first else { continue }
                switch session.admission(of: messageClass, at: now) {
                case .wait: continue
                case .unnumbered:
                    guard loose.count < 65_536 else { continue }
                    loose +=
                        SimulatedLine(.unnumbered, [message.id], padding: message.padding).bytes
                case .numbered(let number): enter(message, number, ledger)
                }
                queues[messageClass.rawValue].removeFirst()
                isBlocked = false
                break
            }
            grant(at: now, ledger)
        }
    }

    private mutating func enter(_ message: Ledger.Message, _ number: UInt64, _ ledger: Ledger) {
        let line = SimulatedLine(
            .numbered,
            session.epoch.values
                + [number, message.id, UInt64(message.messageClass.rawValue), 0],
            padding: message.padding)
        let bytes = line.bytes
        if session.enter(message.messageClass, bytes: bytes.count) != number {
            ledger.fail("\(number) was admitted and another number was given")
        }
        ledger.enter(session.epoch, number, message)
        ring += bytes
        kept.append(message)
        cursor.append(bytes.count)
        disk?.append(bytes, session.epoch, number, message)
        if disk?.isResting == true { letGo(through: number) }
    }

    private mutating func letGo(through number: UInt64) {
        restedThrough = max(restedThrough, number)
        session.madeDurable(session.epoch, through: number)
    }

    private mutating func grantEarlier(at now: UInt64, _ ledger: Ledger) {
        while earlierOut.count < 65_536, let departure = session.nextEarlierDeparture(at: now) {
            switch departure {
            case .frame(let epoch, let number, let bytes):
                guard let frames = earlier.first(where: { $0.epoch == epoch }) else {
                    return ledger.fail("a frame of an epoch that nobody has")
                }
                if frames[number].count != bytes { ledger.fail("a frame of another length") }
                earlierOut += frames[number]
            case .skipped(let epoch, let range):
                earlierOut +=
                    SimulatedLine(.skipped, epoch.values + [range.from, range.to]).bytes
            }
        }
    }

    private mutating func grant(at now: UInt64, _ ledger: Ledger) {
        grantEarlier(at: now, ledger)
        while cursor.mayGrant {
            if session.isSkipNext, !(cursor.isAtFrameStart && loose.isEmpty) { return }
            let before = session.inFlightBytes
            guard let departure = session.nextDeparture(at: now) else { return }
            switch departure {
            case .frame(let number, let bytes):
                cursor.grant(bytes)
                if let disk, number > max(disk.syncedThrough, restedThrough) {
                    ledger.fail("number \(number) leaves before it is on the disk")
                }
            case .skipped(let range, let bytes):
                loose +=
                    SimulatedLine(
                        .skipped, session.epoch.values + [range.from, range.to]
                    ).bytes
                cursor.pass(bytes)
            }
            // One frame may always be in flight when nothing else is.
            if session.inFlightBytes > max(before, session.windowBytes), before > 0 {
                ledger.fail("\(session.inFlightBytes) bytes in flight are over the window")
            }
        }
    }

    /// - Returns: bytes of the ring that left, or 1 for others; `nil` when nothing could.
    private mutating func write(_ port: inout SimulatedPort) -> Int? {
        if !loose.isEmpty, !isMidFrame {
            let count = port.guestWrite(loose[...])
            loose.removeFirst(count)
            return count == 0 ? nil : 1
        }
        if !earlierOut.isEmpty {
            let count = port.guestWrite(earlierOut.prefix(SimulatedPort.writeBytesMax))
            guard count > 0 else { return nil }
            isMidFrame = earlierOut[count - 1] != 0x0a
            earlierOut.removeFirst(count)
            return count
        }
        guard cursor.leavingBytes > 0 else { return nil }
        let start = Int(cursor.sent - ringStart)
        var bytes = ring[start..<(start + cursor.leavingBytes)].prefix(SimulatedPort.writeBytesMax)
        if !loose.isEmpty || !coalesces, let end = bytes.firstIndex(of: 0x0a) {
            bytes = bytes[...end]
        }
        return send(Array(bytes)[...], &port)
    }

    private mutating func send(_ bytes: ArraySlice<UInt8>, _ port: inout SimulatedPort) -> Int? {
        let count = port.guestWrite(bytes)
        guard count > 0 else { return nil }
        isMidFrame = bytes[bytes.startIndex + count - 1] != 0x0a
        cursor.send(count)
        trim()
        return count
    }

    /// Dies in the middle of a write: a part of what may leave does.
    mutating func writePart(
        _ port: inout SimulatedPort, random: inout SplitMix, at now: UInt64, _ ledger: Ledger
    ) -> Bool {
        admit(at: now, ledger)
        guard loose.isEmpty || isMidFrame, earlierOut.isEmpty, cursor.leavingBytes > 1 else {
            return false
        }
        let start = Int(cursor.sent - ringStart)
        let count = 1 + random.below(min(cursor.leavingBytes, SimulatedPort.writeBytesMax) - 1)
        _ = send(Array(ring[start..<(start + count)])[...], &port)
        return isMidFrame
    }

    private mutating func check(_ ledger: Ledger) {
        peakKeptBytes = max(peakKeptBytes, cursor.keptBytes)
        if session.keptMessages != kept.count || session.first != keptFirst {
            ledger.fail("the session keeps \(session.keptMessages), the ring \(kept.count)")
        }
        let isBounded =
            session.keptBytes <= SessionLimits.keptBytesMax
            && session.keptMessages <= SessionLimits.keptNumbersMax
            && session.gaps.count <= SessionLimits.gapsMax
        if !isBounded { ledger.fail("more is kept than the limits allow") }
        if session.keptBytes > cursor.keptBytes { ledger.fail("kept bytes are not in the ring") }
    }
}
