import IOEngine
import Kernel
import Logging
import Port
import Session
import Wire

/// What a host may say, and what it gets in answer.
extension AgentLoop {
    /// Takes one frame: the first `count` bytes of `readable`.
    func take(_ readable: RawSpan, _ count: Int) {
        do throws(JSONError) {
            try parser.parse(readable, count: count)
        } catch {
            framesRefused += 1
            reply(.invalid(error, wallMilliseconds: wall))
            return
        }
        let message = HostMessage(parser.root)
        switch message {
        case .metricsRequest: sampler.request(at: engine.now)
        case .keepAliveRequest(let request):
            let answer = KeepAlive(
                .answer, sequenceNumber: request.sequenceNumber, wallMilliseconds: wall)
            if !send(answer) { noteNoRoom(for: "a keep-alive") }
        case .handshakeRequest: perform(session.greetingRequested(at: milliseconds))
        case .handshakeAcknowledgement(let answer): take(answer)
        case .acknowledgement(let acknowledgement):
            let numbering = acknowledgement.numbering
            perform(
                session.acknowledged(
                    SessionEpoch(numbering.epoch), through: numbering.sequence, at: milliseconds))
        case .command(let command): commands.take(command, of: parser)
        case .signed(let envelope): commands.takeEnvelope(envelope, of: parser)
        // A keep_alive_response must not be answered, or the two sides would never stop.
        case .keepAliveResponse, .unanswerable: break
        case .unknown, .invalid:
            framesRefused += 1
            if let error = message.errorReply(wallMilliseconds: wall) { reply(error) }
        }
    }

    private var wall: Int64 { WallTime.now.millisecondsSince1970 }

    func refuseOverlong(_ bytes: UInt64) {
        reply(.messageTooLarge(bytes: bytes, wallMilliseconds: wall))
    }

    /// Sends an error if the budget allows one of its size, and counts it otherwise.
    func reply(_ error: ErrorMessage) {
        let room = replies.bytesMax(receivedBytes: channel.counters.bytesReceived, at: engine.now)
        var written = 0
        let isSent = channel.appendControl { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = error.encode(into: &writer), count <= room else {
                return 0
            }
            written = count
            return count
        }
        if isSent {
            replies.sent(bytes: written, at: engine.now)
        } else {
            replies.suppress()
        }
    }
}
