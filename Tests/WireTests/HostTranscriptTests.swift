import Foundation
import Session
import Testing

@testable import Wire

/// The kept dialogues of a guest with a host of ours, line by line through the real reader and
/// writer, with the pure half of the session between them and a store that is safe at once.
@Suite struct HostTranscriptTests {
    private struct Host {
        var session = HostSession()
        var now: UInt64 = 0
        /// What it said and no step has read yet.
        var said: [String] = []

        mutating func hear(_ line: String) throws {
            switch try guestMessage(line) {
            case .handshake(let handshake):
                guard let offer = handshake.offer else { return session.greetedPlainly() }
                var greeting = SessionGreeting(
                    epoch: SessionEpoch(offer.epoch), session: offer.session, first: offer.first,
                    next: offer.next)
                greeting.gaps = offer.gaps.map { SessionRange(from: $0.from, to: $0.to) }
                perform(session.greeted(greeting, at: now))
            case .skipped(let skipped):
                let range = SessionRange(from: skipped.range.from, to: skipped.range.to)
                perform(session.skipped(SessionEpoch(skipped.epoch), range, at: now))
            case .metrics(let message):
                let numbering = try #require(message.numbering)
                perform(
                    session.received(
                        SessionEpoch(numbering.epoch), numbering.sequence, bytes: line.utf8.count,
                        at: now))
            default: Issue.record("a message that the transcript should not have: \(line)")
            }
        }

        mutating func perform(_ actions: HostSession.Actions) {
            if let answer = actions.answer {
                say(
                    HandshakeAcknowledgement(
                        epoch: Epoch(high: answer.epoch.high, low: answer.epoch.low),
                        session: answer.session, received: answer.received,
                        windowBytes: answer.windowBytes, capabilities: ["ack"]))
            }
            if let number = actions.acknowledges, let epoch = session.epoch {
                let epoch = Epoch(high: epoch.high, low: epoch.low)
                say(Acknowledgement(Numbering(epoch: epoch, sequence: number)))
            }
            if actions.requestsGreeting { say(HandshakeRequest()) }
            if let through = actions.storesThrough, let epoch = session.epoch {
                perform(session.stored(epoch, through: through, at: now))
            }
        }

        mutating func say(_ message: some WireMessage) { said.append(frame(message)) }
    }

    static let names: [String] = {
        let folder = fixtures.appending(path: "transcripts/host").path
        return (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []
    }()

    @Test(arguments: names)
    func theHostSaysWhatTheTranscriptSays(name: String) throws {
        var host = Host()
        var messages: [(side: String, text: String)] = []
        let lines = try fixture("transcripts/host/\(name)").split(separator: "\n")
        for (number, line) in lines.enumerated().dropFirst() {
            let step = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let place: Comment = "\(name), line \(number + 1)"
            if let object = step["host"] {
                let said = try #require(host.said.first, place)
                host.said.removeFirst()
                messages.append(("host", said))
                let found = try JSONSerialization.jsonObject(with: Data(said.utf8)) as? NSObject
                #expect(found?.isEqual(object) == true, "\(place): \(said)")
                continue
            }
            #expect(host.said == [], place)
            if let object = step["guest"] {
                let text = String(
                    decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
                messages.append(("guest", text))
                try host.hear(text)
            } else if let milliseconds = step["delay_ms"] as? Int {
                host.now += UInt64(milliseconds)
                host.perform(host.session.tick(at: host.now))
            } else if step["connect"] != nil {
                host.perform(host.session.connected(at: host.now))
            } else {
                host.session.disconnected()
            }
        }
        #expect(host.said == [])
        for (message, complaint) in zip(messages, try Schemas.complaints(messages)) {
            #expect(complaint.isEmpty, "\(message.text.prefix(200))")
        }
    }

    @Test func thereAreTranscripts() {
        #expect(Self.names.count >= 4)
    }
}

extension SessionEpoch {
    fileprivate init(_ epoch: Epoch) { self.init(high: epoch.high, low: epoch.low) }
}
