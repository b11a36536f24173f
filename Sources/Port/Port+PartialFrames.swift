import Framing
import IOEngine
import Kernel

/// Frames that have begun and do not end.
extension Port {
    /// Drops what is held of a frame when it is the host's who has left: unless a newline has come
    /// since that was seen. A new host begins with one.
    func dropOldPartialFrame() {
        if channel.consumedBytes == consumedWhenNoticed { channel.dropPartialFrame() }
    }

    /// A frame that has begun has 30 s to end. The timer is set once, not for each piece that
    /// comes; when it fires, frames that ended meanwhile give the one that is there now another 30
    /// s.
    func notePartialFrame() {
        guard channel.hasPartialFrame, !isFrameTimed else { return }
        isFrameTimed = true
        framesWhenTimed = channel.counters.framesReceived
        engine.setTimer(
            frameTimer,
            at: engine.now.adding(milliseconds: FramingLimits.partialFrameMillisecondsMax))
    }

    func partialFrameTimedOut() {
        isFrameTimed = false
        if channel.counters.framesReceived == framesWhenTimed { channel.abandonPartialFrame() }
        notePartialFrame()
    }
}
