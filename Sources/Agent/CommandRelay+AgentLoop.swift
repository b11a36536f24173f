import IOEngine
import Kernel
import Port
import Session
import Wire

/// The relay's home.
extension AgentLoop: CommandRelayHome {
    func queue(_ answer: RelayAnswer) -> Bool {
        outbox.append(.result(answer), class: .result, bytes: answer.message.byteCount) != .refused
    }

    var queuedAnswerBytes: Int { outbox.bytes(.result) }

    func takeOpened(_ message: HostMessage) {
        switch message {
        case .metricsRequest: sampler.request(at: .now)
        case .handshakeRequest: greet()
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

    /// Encodes an answer of the executor's straight into the ring.
    ///
    /// - Returns: whether it fitted; it has left the queue then.
    func append(_ answer: RelayAnswer) -> Bool {
        var message = answer.message
        message.wallMilliseconds = WallTime.now.millisecondsSince1970
        let isSent = channel.appendData { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = message.encode(into: &writer) else { return 0 }
            return count
        }
        guard isSent else { return false }
        commands.left(answer)
        // A host that acknowledges nothing has what was sent to it.
        if answer.isLast { commands.acknowledged(answer.key) }
        return true
    }
}
