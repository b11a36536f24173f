import IOEngine
import Kernel

/// Edges of a virtio port, and what is made of them.
extension Port {
    /// What poll(2) says; it may use up the wake-up of the data, or of the room, that it sees.
    func pollNow(_ stream: Stream) -> Edges {
        let now = engine.poll(stream)
        if now.contains(.input), !now.contains(.hangUp) { engine.tryReadAgain(stream) }
        if now.contains(.output) { engine.tryWriteAgain(stream) }
        return now
    }

    func edge(_ stream: Stream, _ edges: Edges) {
        guard opener.isVirtio, channel.stream == stream else { return }
        // Data from a host that is there: whether it is still the same one can wait a moment, so
        // that the look costs two system calls for all that comes within it, not for each message.
        guard !edges.contains(.input) || edges.contains(.hangUp) || state != .present else {
            engine.tryReadAgain(stream)
            return planLook()
        }
        look(stream, edges)
    }

    private func planLook() {
        guard !isLookPlanned, !presence.isSuspicious else { return }
        isLookPlanned = true
        consumedWhenNoticed = channel.consumedBytes
        engine.setTimer(
            openTimer,
            at: engine.now.adding(milliseconds: PortLimits.suspicionMilliseconds))
    }

    func look(_ stream: Stream, _ edges: Edges) {
        let wasLookPlanned = isLookPlanned
        isLookPlanned = false
        let now = pollNow(stream)
        // Unplugged: HUP and nothing else, while a port without a host also says IN.
        if now.contains(.hangUp) && !now.contains(.input) {
            lose(.portGone(path: path))
            return
        }
        if !wasLookPlanned, !presence.isSuspicious, presence.state == .present {
            consumedWhenNoticed = channel.consumedBytes
        }
        apply(presence.edge(edges, now: now, newSignals: signals.take(), at: engine.now))
        if presence.isSuspicious {
            engine.setTimer(
                openTimer,
                at: engine.now.adding(milliseconds: PortLimits.suspicionMilliseconds))
        }
    }
}
