import IOEngine
import Kernel
import Port
import Session
import Wire

/// The relay's home.
extension AgentLoop: CommandRelayHome {
    var currentSession: UInt64 { session.session }

    func queue(_ answer: RelayAnswer) -> Bool {
        outbox.append(.result(answer), class: .result, bytes: answer.message.byteCount) != .refused
    }

    var queuedAnswerBytes: Int { outbox.bytes(.result) }

    func takeOpened(_ message: HostMessage) {
        switch message {
        case .metricsRequest: sampler.request(at: .now)
        case .handshakeRequest: perform(session.greetingRequested(at: milliseconds))
        case .keepAliveRequest(let request):
            let answer = KeepAlive(
                .answer, sequenceNumber: request.sequenceNumber,
                wallMilliseconds: WallTime.now.millisecondsSince1970)
            if !send(answer) { noteNoRoom(for: "a keep-alive") }
        default:
            let wall = WallTime.now.millisecondsSince1970
            if let error = message.errorReply(wallMilliseconds: wall) { reply(error) }
        }
    }

    /// An answer has its number, or has left without one.
    func noteLeft(_ answer: RelayAnswer, _ number: UInt64?) {
        commands.left(answer)
        guard answer.isLast else { return }
        if let number {
            answerNumbers.append((number, answer.key))
        } else {
            // A host that acknowledges nothing has what was sent to it.
            commands.acknowledged(answer.key)
        }
    }

    /// Everything up to ``GuestSession/acknowledgedNumber`` is safe on the host's side.
    func noteAcknowledgedAnswers() {
        while let first = answerNumbers.first, first.number <= session.acknowledgedNumber {
            answerNumbers.removeFirst()
            commands.acknowledged(first.key)
        }
    }
}
