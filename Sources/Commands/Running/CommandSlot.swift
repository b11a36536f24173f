import CLinux
import IOEngine
import Kernel
import Slabs
import Wire

/// A place for one running command: its rings, its descriptors on the loop, and how far it is.
///
/// running -> terminating -> killing -> draining -> closing, and steps may be left out: a command
/// that ends by itself goes from running to draining. What it prints is read in every phase.
final class CommandSlot {
    enum Phase {
        case free
        case running
        /// It was asked to end, and has the grace to do so.
        case terminating
        /// It was killed, and the kernel has not let go of it.
        case killing
        /// It has ended; what the pipes hold is read.
        case draining
        /// Its descriptors are being closed.
        case closing
    }

    let engine: IOEngine
    let isolation: Isolation
    let timer: TimerKey
    private var outputRing: ReceiveRing
    private var errorRing: ReceiveRing
    private var inputRing: SendRing

    var phase = Phase.free
    private(set) var key: UInt64 = 0
    var specification = CommandSpecification(arguments: [""])
    var child: ChildHandle?
    var group: CommandGroup?
    var family: ProcessFamily?
    var standardOutput = CapturedStream()
    var standardError = CapturedStream()
    /// Why it was made to end; `nil` when it did so by itself.
    var cause: CommandOutcome?
    var end: ChildEnd?
    var startFailure: StartFailure?
    var startedAt = MonotonicTime.now
    var endedAt: MonotonicTime?
    /// When the phase ends whatever happens.
    var phaseEnds = MonotonicTime.now
    /// The command was answered for although it is still there.
    var isAnswered = false
    private(set) var childStream: Stream?
    private(set) var outputStream: Stream?
    private(set) var errorStream: Stream?
    private(set) var inputStream: Stream?
    private var isInputEnding = false
    /// Streams whose end has been asked for.
    private var closing: Set<Stream> = []

    init(engine: IOEngine, isolation: Isolation, timer: TimerKey) throws(SlabError) {
        self.engine = engine
        self.isolation = isolation
        self.timer = timer
        outputRing = try ReceiveRing(slabCount: 1)
        errorRing = try ReceiveRing(slabCount: 1)
        inputRing = try SendRing(
            slabCount: RunningLimits.inputBytesMax / SlabLimits.slabBytes)
    }

    var hasStreams: Bool {
        childStream != nil || outputStream != nil || errorStream != nil || inputStream != nil
    }

    func owns(_ stream: Stream) -> Bool {
        stream == childStream || stream == outputStream || stream == errorStream
            || stream == inputStream
    }

    /// Makes the slot the command's; nothing runs yet.
    func begin(_ specification: CommandSpecification, key: UInt64) {
        precondition(phase == .free && !hasStreams, "the slot is taken")
        self.key = key
        self.specification = specification
        standardOutput = CapturedStream(bytesMax: specification.limits.outputBytesMax)
        standardError = CapturedStream(bytesMax: specification.limits.outputBytesMax)
        (cause, end, startFailure, endedAt) = (nil, nil, nil, nil)
        (isAnswered, isInputEnding) = (false, false)
        inputRing.skip(inputRing.unsentBytes)
        inputRing.releaseSent()
        startedAt = .now
    }

    /// Hands the descriptors to the engine and begins to read.
    ///
    /// - Throws: what attaching says. What was attached by then is closed by ``closePipes()`` and
    ///   ``closeChild()``.
    func attach(
        _ child: ChildHandle, output: consuming FileDescriptor, error: consuming FileDescriptor,
        input: consuming FileDescriptor?
    ) throws(EngineError) {
        self.child = child
        childStream = try engine.attach(child.takeDescriptor(), .device)
        outputStream = try engine.attach(output, .socket)
        errorStream = try engine.attach(error, .socket)
        if let input = input.take() { inputStream = try engine.attach(input, .socket) }
        if let childStream { engine.watch(childStream) }
        readMore(.standardOutput)
        readMore(.standardError)
    }

    // MARK: Output

    private func readMore(_ which: ExecOutput.Stream) {
        switch which {
        case .standardOutput:
            guard let stream = outputStream, !closing.contains(stream),
                let lease = outputRing.leaseFree(bytesMax: EngineLimits.readBytesMax)
            else { return }
            engine.read(stream, into: lease)
        case .standardError:
            guard let stream = errorStream, !closing.contains(stream),
                let lease = errorRing.leaseFree(bytesMax: EngineLimits.readBytesMax)
            else { return }
            engine.read(stream, into: lease)
        }
    }

    /// - Returns: whether something was printed, or a stream has ended.
    func readEnded(
        _ stream: Stream, _ lease: consuming SlabLease, _ transfer: Transfer
    ) -> Bool {
        let which: ExecOutput.Stream =
            stream == outputStream ? .standardOutput : .standardError
        let count = if case .bytes(let count) = transfer { count } else { 0 }
        switch which {
        case .standardOutput: Self.take(lease, count, &outputRing, &standardOutput)
        case .standardError: Self.take(lease, count, &errorRing, &standardError)
        }
        switch transfer {
        case .failed(.cancelled): return false
        case .failed(.again):
            engine.watch(stream)
            return false
        case .bytes(1...):
            readMore(which)
            return true
        default:
            endOutput(which)
            return true
        }
    }

    private static func take(
        _ lease: consuming SlabLease, _ count: Int, _ ring: inout ReceiveRing,
        _ captured: inout CapturedStream
    ) {
        ring.commit(lease, filled: count)
        guard ring.unreadBytes > 0 else { return }
        captured.append(ring.unread)
        ring.consume(ring.unreadBytes)
    }

    /// Reading ends here: at the pipe's end, or because nobody waits any longer.
    private func endOutput(_ which: ExecOutput.Stream) {
        switch which {
        case .standardOutput: standardOutput.end()
        case .standardError: standardError.end()
        }
        if let stream = which == .standardOutput ? outputStream : errorStream {
            close(stream)
        }
    }

    var isDrained: Bool { standardOutput.isEnded && standardError.isEnded }

    // MARK: Input

    /// Adds to what the command is to read.
    ///
    /// - Returns: `false` when more waits than it may: the command is to be ended.
    func input(_ bytes: [UInt8], isEnd: Bool) -> Bool {
        // One that closed its input, or never had any, does not want to read.
        guard let stream = inputStream, !isInputEnding else { return true }
        guard bytes.count <= inputRing.freeBytes else { return false }
        Self.append(RawSpan(_elements: bytes.span), to: &inputRing)
        isInputEnding = isEnd
        writeMore(stream)
        return true
    }

    private static func append(_ bytes: RawSpan, to ring: inout SendRing) {
        guard bytes.byteCount > 0 else { return }
        var space = ring.free()
        clinux_copy(&space, bytes)
        ring.append(bytes.byteCount)
    }

    private func writeMore(_ stream: Stream) {
        guard !closing.contains(stream), !engine.isWriting(stream) else { return }
        if let lease = inputRing.leaseUnsent(bytesMax: EngineLimits.writeBytesMax) {
            engine.write(stream, from: lease)
        } else if isInputEnding {
            close(stream)
        }
    }

    func writeEnded(_ stream: Stream, _ lease: consuming SlabLease, _ transfer: Transfer) {
        let count = if case .bytes(let count) = transfer { count } else { 0 }
        inputRing.complete(lease, sent: count)
        inputRing.releaseSent()
        switch transfer {
        case .bytes: writeMore(stream)
        case .failed(.cancelled): break
        case .failed(.again): engine.watch(stream)
        case .failed:
            // It does not read any more, which is its own affair.
            inputRing.skip(inputRing.unsentBytes)
            inputRing.releaseSent()
            isInputEnding = true
            close(stream)
        }
    }

    // MARK: Streams

    /// An edge of one of the pipes, asked for when a transfer would have blocked.
    func edge(_ stream: Stream) {
        guard !closing.contains(stream) else { return }
        if stream == outputStream { readMore(.standardOutput) }
        if stream == errorStream { readMore(.standardError) }
        if stream == inputStream { writeMore(stream) }
    }

    private func close(_ stream: Stream) {
        guard closing.insert(stream).inserted else { return }
        engine.close(stream)
    }

    func closed(_ stream: Stream) {
        closing.remove(stream)
        if stream == childStream { childStream = nil }
        if stream == outputStream { outputStream = nil }
        if stream == errorStream { errorStream = nil }
        if stream == inputStream { inputStream = nil }
    }

    func closeChild() {
        if let stream = childStream { close(stream) }
    }

    /// Ends what is read and written; each stream is then told by ``closed(_:)``. The child is
    /// watched on.
    func closePipes() {
        if let stream = inputStream {
            isInputEnding = true
            close(stream)
        }
        if !standardOutput.isEnded { endOutput(.standardOutput) }
        if !standardError.isEnded { endOutput(.standardError) }
    }
}
