import Framing
public import IOEngine
import Kernel
import Session
public import Slabs

/// Frames in and out of one stream: the rings, the scanner and the order in which things leave.
///
/// Two rings hold what leaves. Control frames (handshakes, errors, keep-alives) leave first, but
/// only between two frames: a frame is never interleaved with another. The data ring keeps its
/// order. Writes go on at the exact byte, whatever was taken.
///
/// The rings outlive any number of streams, so that their memory is registered once.
///
/// Data either is let go of when it has left, or is kept until its owner lets go of it, and leaves
/// again from the first byte kept when the owner says so: `FrameChannel+Kept.swift`.
public final class FrameChannel {
    /// How large the three rings are, in slabs.
    public struct Sizes: Sendable {
        public var receive = SlabLimits.receiveSlabsDefault
        public var control = SlabLimits.controlSlabsDefault
        public var send = SlabLimits.sendSlabsDefault

        public init() {}
    }

    public struct Counters: Equatable, Sendable {
        public var framesReceived: UInt64 = 0
        public var bytesReceived: UInt64 = 0
        /// Frames over the cap, skipped to their newline.
        public var framesOverlong: UInt64 = 0
        /// Frames that began and did not end within 30 s, or before the host left.
        public var framesAbandoned: UInt64 = 0
        public var bytesSent: UInt64 = 0
        /// Frames whose first part had left when the host did.
        public var framesCutOff: UInt64 = 0
    }

    /// What a scan of the received bytes came upon.
    public enum Received: ~Escapable {
        /// A frame: the first `count` bytes of `readable`. What lies behind them may be read, as
        /// fast parsers do, and must not be taken for data. Borrows the ring.
        case frame(readable: RawSpan, count: Int)
        /// A line over the cap has ended; it had this many bytes with its newline.
        case overlong(bytes: UInt64)
    }

    enum Source {
        case control
        case earlier
        case data
    }

    let engine: IOEngine
    private var receive: ReceiveRing
    var control: SendRing
    var data: SendRing
    /// What of the data ring may leave, and what is kept; `nil` when nothing is.
    var kept: KeptData?
    /// Frames that leave before the data; `nil` while there are none. `FrameChannel+Earlier.swift`.
    var earlier: EarlierData?
    private var scanner = FrameScanner()
    /// The ring whose frame has begun to leave and has not ended.
    var unfinished: Source?
    /// The ring that the write in flight takes from.
    private(set) var writing: Source?
    /// What stands unsent belongs to a host that has left: sorted out when the write in flight
    /// ends.
    var mustResync = false
    /// Bytes of frames that are kept, here or elsewhere, that the port took since the start: more
    /// than before is progress.
    var departed: UInt64 = 0
    /// All bytes that the scanner is done with: while it stays the same, no newline has come.
    private(set) var consumedBytes: UInt64 = 0
    /// Lines that were appended, less those that will not leave; ``linesSent``.
    private(set) var linesEntered: UInt64 = 0
    private var openStream: Stream?
    private var sends = false
    private var pauses = false
    public internal(set) var counters = Counters()

    /// - Parameters:
    ///   - engine: the engine of the calling thread.
    ///   - sizes: slabs in each ring.
    ///   - registers: whether the rings' memory is registered with the kernel, and there from the
    ///     start; for one of many, neither.
    ///   - keepsData: whether data is kept until ``release(_:)``.
    /// - Throws: `SlabError` when there is no memory for the rings.
    public init(
        engine: IOEngine, sizes: Sizes = Sizes(), registers: Bool = true, keepsData: Bool = false
    ) throws(SlabError) {
        self.engine = engine
        kept = keepsData ? KeptData() : nil
        receive = try ReceiveRing(slabCount: sizes.receive, isPopulated: registers)
        control = try SendRing(slabCount: sizes.control, isPopulated: registers)
        data = try SendRing(slabCount: sizes.send, isPopulated: registers)
        if registers {
            engine.register(&receive)
            engine.register(&control)
            engine.register(&data)
        }
    }

    // MARK: Streams and hosts

    // Stored behind these, so that what this module asks at each message is not checked for others'
    // accesses each time.
    public var stream: Stream? { openStream }
    public var isSending: Bool { sends }
    public var isPaused: Bool { pauses }
    public var departedBytes: UInt64 { departed }

    /// Uses `stream` from here on; nothing is read or written before ``hostArrived()``.
    func attach(_ stream: Stream) {
        precondition(openStream == nil, "one stream at a time")
        openStream = stream
    }

    /// The stream is closed, and its leases are home.
    func detach() {
        openStream = nil
        sends = false
    }

    /// A host is there: what was meant for the one before is dropped, a lone newline ends whatever
    /// half frame is in the pipe, and reading starts.
    ///
    /// - Returns: whether frames for this host may be appended now. Not while a write for the host
    ///   before is in flight: then ``isSynchronized`` says when, and that is soon, for there is
    ///   room.
    func hostArrived() -> Bool {
        sends = true
        if writing != nil {
            mustResync = true
        } else {
            resync()
        }
        readMore()
        return isSynchronized
    }

    /// Whether nothing of what was meant for the host before is left to be sorted out.
    public var isSynchronized: Bool { !mustResync }

    func hostLeft() {
        sends = false
        // Until the read gives 0 there may be bytes of the host that left; what they leave behind
        // without a newline is dropped then.
    }

    /// The host is gone and all that it sent was read: a half frame of its cannot be finished.
    func dropPartialFrame() {
        if receive.unreadBytes > 0 || scanner.isSkipping { counters.framesAbandoned += 1 }
        receive.consume(receive.unreadBytes)
        scanner.reset()
    }

    func resync() {
        mustResync = false
        // A frame whose beginning went to the host before is never finished towards the next one.
        if unfinished == .data { counters.framesCutOff += 1 }
        if kept != nil {
            rewindKept()
        } else if unfinished == .data {
            drop(Self.bytesToFrameEnd(data), of: &data)
        }
        dropEarlier()
        unfinished = nil
        drop(control.unsentBytes, of: &control)
        // The control ring is empty, so a byte always fits.
        _ = appendControl { space in
            var space = space
            space.storeBytes(of: UInt8(0x0a), toByteOffset: 0, as: UInt8.self)
            return 1
        }
    }

    /// Bytes up to the end of the first unsent frame, all of them if its end is not there.
    static func bytesToFrameEnd(_ ring: borrowing SendRing) -> Int {
        FrameScanner.lineBytes(in: ring.unsent) ?? ring.unsentBytes
    }

    // MARK: Receiving

    /// Reads nothing more until ``resume()``: for an owner that has no room for what comes. What
    /// was read already still comes.
    public func pause() {
        pauses = true
    }

    public func resume() {
        guard pauses else { return }
        pauses = false
        if sends { readMore() }
    }

    /// Starts a read if none is in flight and there is room, which there always is: the scanner
    /// never leaves more than a frame unread.
    func readMore() {
        guard let stream = openStream, !pauses, !engine.isReading(stream) else { return }
        guard let lease = receive.leaseFree(bytesMax: EngineLimits.readBytesMax) else { return }
        engine.read(stream, into: lease)
    }

    func readEnded(_ lease: consuming SlabLease, _ transfer: Transfer) {
        if case .bytes(let count) = transfer {
            receive.commit(lease, filled: count)
            counters.bytesReceived += UInt64(count)
        } else {
            receive.commit(lease, filled: 0)
        }
    }

    /// Whether part of a frame is held because its end has not come.
    var hasPartialFrame: Bool { receive.unreadBytes > 0 }

    /// Gives up a frame that does not end.
    func abandonPartialFrame() {
        let held = scanner.abandonPartialFrame(heldBytes: receive.unreadBytes)
        if held > 0 { counters.framesAbandoned += 1 }
        receive.consume(held)
    }

    /// Hands over all frames that have come, in one call, without a copy.
    public func forEachReceived(_ body: (borrowing Received) -> Void) {
        var tally = Tally()
        Self.scan(&receive, &scanner, &tally, body)
        counters.framesReceived += tally.frames
        counters.framesOverlong += tally.overlong
        consumedBytes += tally.consumedBytes
    }

    /// What one scan came upon: kept apart, so that `body` may look at ``counters``.
    private struct Tally {
        var frames: UInt64 = 0
        var overlong: UInt64 = 0
        var consumedBytes: UInt64 = 0
    }

    private static func scan(
        _ ring: inout ReceiveRing, _ scanner: inout FrameScanner, _ tally: inout Tally,
        _ body: (borrowing Received) -> Void
    ) {
        let consumed = scan(ring.unread, ring.readable, &scanner, &tally, body)
        ring.consume(consumed)
        tally.consumedBytes = UInt64(consumed)
    }

    /// - Returns: how many of the bytes are done with.
    private static func scan(
        _ unread: RawSpan, _ readable: RawSpan, _ scanner: inout FrameScanner,
        _ tally: inout Tally, _ body: (borrowing Received) -> Void
    ) -> Int {
        var position = 0
        while true {
            let rest = unread.extracting(droppingFirst: position)
            switch scanner.next(rest) {
            case .frame(let frame):
                tally.frames += 1
                let start = readable.extracting(droppingFirst: position + frame.bytes.lowerBound)
                body(.frame(readable: start, count: frame.bytes.count))
                position += frame.consumed
            case .overlong(let bytes, let consumed):
                tally.overlong += 1
                body(.overlong(bytes: bytes))
                position += consumed
            case .incomplete(let consumed):
                return position + consumed
            }
        }
    }

    // MARK: Sending

    /// Encodes one frame of control straight into its ring: `encode` writes into the free bytes and
    /// says how many it took, 0 if they were not enough.
    ///
    /// - Returns: whether it fitted. A full ring is back-pressure.
    public func appendControl(_ encode: (consuming MutableRawSpan) -> Int) -> Bool {
        append(to: &control, encode)
    }

    /// The same into the data ring, of a channel that keeps nothing: `lines` whole frames.
    public func appendData(
        lines: Int = 1, _ encode: (consuming MutableRawSpan) -> Int
    ) -> Bool {
        precondition(kept == nil, "say whether it is kept: append(kept:) or append(loose:)")
        return append(to: &data, lines: lines, encode)
    }

    func append(
        to ring: inout SendRing, lines: Int = 1, _ encode: (consuming MutableRawSpan) -> Int
    ) -> Bool {
        guard ring.freeBytes > 0 else { return false }
        let count = encode(ring.free())
        guard count > 0 else { return false }
        ring.append(count)
        linesEntered += UInt64(lines)
        return true
    }

    /// Lines that are passed over, or, when it is negative, that will leave once more.
    func forget(lines: Int) {
        linesEntered = UInt64(Int64(linesEntered) - Int64(lines))
    }

    /// Bytes in the data ring that may leave and have not.
    public var unsentDataBytes: Int { kept?.cursor.leavingBytes ?? data.unsentBytes }
    public var unsentControlBytes: Int { control.unsentBytes }
    public var isWriteInFlight: Bool { writing != nil }

    /// Starts a write if a host is there, something waits and none is in flight.
    public func sendMore() {
        guard sends, writing == nil, let stream = openStream else { return }
        let source: Source
        if let unfinished {
            source = unfinished
        } else if control.unsentBytes > 0 {
            source = .control
        } else if unsentEarlierBytes > 0 {
            source = .earlier
        } else if unsentDataBytes > 0 {
            source = .data
        } else {
            return
        }
        guard let lease = lease(of: source) else { return }
        writing = source
        engine.write(stream, from: lease)
    }

    private func lease(of source: Source) -> SlabLease? {
        switch source {
        case .control: return control.leaseUnsent(bytesMax: EngineLimits.writeBytesMax)
        case .earlier: return leaseEarlier()
        case .data:
            // With control waiting, only the frame that has begun is finished first.
            let isControlWaiting = control.unsentBytes > 0 && unfinished == .data
            let bytes = isControlWaiting ? Self.bytesToFrameEnd(data) : unsentDataBytes
            return data.leaseUnsent(bytesMax: min(bytes, EngineLimits.writeBytesMax))
        }
    }

    /// The write in flight has ended. The rest of what it carried, if any, is next.
    func writeEnded(_ lease: consuming SlabLease, _ transfer: Transfer) {
        let sent =
            switch transfer {
            case .bytes(let count): count
            case .failed: 0
            }
        guard let source = writing else { preconditionFailure("a write of nothing ended") }
        writing = nil
        counters.bytesSent += UInt64(sent)
        switch source {
        case .control:
            control.complete(lease, sent: sent)
            control.releaseSent()
            unfinished = Self.isMidFrame(control) ? .control : nil
        case .earlier:
            earlier!.ring.complete(lease, sent: sent)
            unfinished = Self.isMidFrame(earlier!.ring) ? .earlier : nil
            earlierLeft(sent)
        case .data:
            data.complete(lease, sent: sent)
            unfinished = Self.isMidFrame(data) ? .data : nil
            if kept == nil { data.releaseSent() } else { keptLeft(sent) }
        }
        if mustResync { resync() }
    }

    /// Whether a frame has begun to leave and has not ended.
    private static func isMidFrame(_ ring: borrowing SendRing) -> Bool {
        ring.unsentBytes > 0 && (ring.lastByteSent ?? 0x0a) != 0x0a
    }
}
