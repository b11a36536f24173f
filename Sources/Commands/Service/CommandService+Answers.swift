import Logging
import Port
import Wire

/// What goes back to the agent, within the window.
extension CommandService {
    /// Bytes that a chunk's frame takes at most: base64 of 32 KiB, an id that is all escapes, and
    /// the members around them.
    private static let chunkFrameBytes = 48 * 1024

    private func maySend(_ bytes: Int) -> Bool {
        outstandingBytes == 0 || outstandingBytes + bytes <= RelayLimits.windowBytes
    }

    /// Sends what the window has room for: one chunk a command in turn, so that none waits for a
    /// louder one, and a command's response behind its last chunk.
    func sendAnswers() {
        var isMoving = true
        while isMoving {
            isMoving = false
            for job in jobs where !job.isOrphan {
                if job.streams, maySend(Self.chunkFrameBytes), sendChunk(of: job) {
                    isMoving = true
                } else if sendResponse(of: job) {
                    jobs.removeAll { $0 === job }
                    isMoving = true
                }
            }
        }
    }

    private func sendChunk(of job: CommandJob) -> Bool {
        let chunk =
            if let key = job.runKey { runner.takeChunk(key) } else { job.takeChunkOfResult() }
        guard let chunk else { return false }
        let output = ExecOutput(
            id: job.request.id, stream: chunk.stream, offset: chunk.offset, data: chunk.data)
        let isSent = append(job.key, isLast: false, output)
        // The window is smaller than the ring, so there was room.
        precondition(isSent, "a chunk found no room within the window")
        return true
    }

    private func sendResponse(of job: CommandJob) -> Bool {
        guard case .finished(let response) = job.state, !job.hasChunks else { return false }
        let bytes =
            JSONText.escapedBytes(of: response.stdout.utf8)
            + JSONText.escapedBytes(of: response.stderr.utf8)
            + (response.dataJSON?.utf8.count ?? 0) + 8192
        guard maySend(bytes) else { return false }
        guard job.request.kind == .pendingScripts else {
            return append(job.key, isLast: true, response)
        }
        return append(job.key, isLast: true, CommandAnswer.completion(response))
    }

    private func append(_ key: UInt64, isLast: Bool, _ message: some WireMessage) -> Bool {
        var frameBytes = 0
        let isSent = channel.appendData { space in
            var writer = JSONWriter(space)
            guard
                case .written(let count) = RelayAnswer.encode(
                    key: key, class: .results, isLast: isLast, message: message, into: &writer)
            else { return 0 }
            frameBytes = count
            return count
        }
        if isSent { outstandingBytes += frameBytes }
        return isSent
    }

    /// Refusals are small and leave at once. The agent asks for no more at a time than fit.
    func sendRefusal(_ key: UInt64, _ response: CommandResponse) {
        let isSent = channel.appendControl { space in
            var writer = JSONWriter(space)
            guard
                case .written(let count) = RelayAnswer.encode(
                    key: key, class: .control, isLast: true, message: response, into: &writer)
            else { return 0 }
            return count
        }
        if !isSent { logger.error("a refusal found no room: the agent does not read") }
    }
}
