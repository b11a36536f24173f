import Kernel
import Wire

/// What comes, and what is said to it.
extension MockHost {
    /// The next message that came whole; lines that are none are shown and passed over.
    func nextMessage() -> MockMessage? {
        while let piece = connection?.next() {
            guard case .line(let line) = piece else {
                if case .overlong(let bytes) = piece { show("(a line of \(bytes) bytes)") }
                continue
            }
            do throws(JSONError) {
                let message = try MockMessage(line, &parser)
                messagesReceived += 1
                show(message.text)
                note(message)
                return message
            } catch {
                show("(no message: \(error)) \(String(decoding: line, as: UTF8.self))")
            }
        }
        return nil
    }

    private func note(_ message: MockMessage) {
        if let offer = message.offer {
            self.offer = offer
            if isTracking { complain(track.greet(offer)) }
            if answersAll { answer(received: nil, 262_144, isObserver: false) }
        }
        guard let epoch = message.epoch else { return }
        if let skipped = message.skipped, isTracking { complain(track.skip(epoch, skipped)) }
        guard let sequence = message.sequence else { return }
        lastNumber = (epoch, sequence)
        if isTracking { complain(track.take(epoch, sequence)) }
        let before = unacknowledged ?? (0, .now)
        unacknowledged = (before.count + 1, before.since)
        if case .lazily(let count) = acknowledging, unacknowledged!.count >= count {
            acknowledge(nil)
        }
    }

    private func complain(_ reason: String?) {
        if violation == nil { violation = reason }
    }

    func acknowledgeWhatIsDue(at now: MonotonicTime) {
        guard case .after(let milliseconds) = acknowledging, let unacknowledged,
            now >= unacknowledged.since.adding(milliseconds: milliseconds)
        else { return }
        acknowledge(nil)
    }

    /// Acknowledges `number`, or all that came: up to the first gap when numbers are looked at.
    func acknowledge(_ number: UInt64?) {
        unacknowledged = nil
        guard let epoch = lastNumber?.epoch ?? offer?.epoch else { return }
        let came = isTracking ? track.received(epoch) : lastNumber?.sequence ?? 0
        send(Acknowledgement(Numbering(epoch: epoch, sequence: number ?? came)))
    }

    /// Answers the last handshake; a plain one has nothing to answer.
    func answer(received: UInt64?, _ windowBytes: UInt64, isObserver: Bool) {
        guard let offer else { return }
        let known = isTracking ? track.received(offer.epoch) : offer.first - 1
        var answer = HandshakeAcknowledgement(
            epoch: offer.epoch, session: offer.session, received: received ?? known,
            windowBytes: windowBytes, capabilities: isObserver ? [] : ["ack"])
        answer.isObserver = isObserver
        send(answer)
    }

    /// The text with what the variables stand for; one that stands for nothing yet stays.
    func substituted(_ text: String) -> String {
        var values: [(String, String)] = []
        if let offer {
            values += [
                ("$EPOCH", "\(offer.epoch)"), ("$SESSION", "\(offer.session)"),
                ("$FIRST", "\(offer.first)"), ("$NEXT", "\(offer.next)"),
                ("$K", "\(track.received(offer.epoch))"),
            ]
        }
        if let lastNumber { values.append(("$SEQ", "\(lastNumber.sequence)")) }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if let (name, value) = values.first(where: { rest.hasPrefix($0.0) }) {
                result += value
                rest = rest.dropFirst(name.count)
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }
}
