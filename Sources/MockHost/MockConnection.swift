import Framing
import Kernel

/// The bytes of one connection: slowly if asked for, and cut off where asked for.
final class MockConnection {
    /// What came, piece by piece.
    enum Piece: Equatable {
        case line([UInt8])
        case overlong(UInt64)
    }

    private let socket: FileDescriptor
    private var scanner = FrameScanner()
    private var unread: [UInt8] = []
    private var unsent: [UInt8] = []
    private(set) var bytesReceived: UInt64 = 0
    /// The other side, or this one, has ended it.
    private(set) var hasEnded = false
    /// It ends once so many bytes have come.
    var endsAtBytes: UInt64?
    var bytesPerSecond: UInt64? {
        didSet { measuredFrom = (.now, bytesReceived) }
    }
    private var measuredFrom = (time: MonotonicTime.now, bytes: UInt64(0))

    init(_ socket: consuming FileDescriptor) {
        self.socket = socket
    }

    var hasUnsent: Bool { !unsent.isEmpty && !hasEnded }

    func send(_ bytes: [UInt8]) {
        unsent += bytes
    }

    /// What is waited for: reading only when bytes may be read now.
    func interest(at now: MonotonicTime) -> SocketTransfer.Interest {
        SocketTransfer.Interest(
            socket.number, reads: allowance(at: now) > 0, writes: !unsent.isEmpty)
    }

    /// How many bytes may be read now.
    private func allowance(at now: MonotonicTime) -> Int {
        var bytes = UInt64(MockLimits.transferBytes)
        if let endsAtBytes { bytes = min(bytes, endsAtBytes - min(endsAtBytes, bytesReceived)) }
        if let bytesPerSecond {
            let seconds = now.seconds(since: measuredFrom.time)
            let due = UInt64(seconds * Double(bytesPerSecond))
            let had = bytesReceived - measuredFrom.bytes
            bytes = min(bytes, due - min(due, had))
        }
        return Int(bytes)
    }

    /// Moves what can be moved now.
    func transfer(_ ready: SocketTransfer.Readiness, at now: MonotonicTime) {
        if ready.writes { sendMore() }
        if ready.reads { receiveMore(allowance(at: now)) }
        if let endsAtBytes, bytesReceived >= endsAtBytes { hasEnded = true }
    }

    private func sendMore() {
        do throws(Errno) {
            while !unsent.isEmpty {
                let taken = try SocketTransfer.send(
                    RawSpan(_elements: unsent.span).extracting(first: MockLimits.transferBytes),
                    to: socket)
                unsent.removeFirst(taken)
            }
        } catch {
            if error != .again { hasEnded = true }
        }
    }

    private func receiveMore(_ bytesMax: Int) {
        guard bytesMax > 0 else { return }
        do throws(Errno) {
            let count = try SocketTransfer.receive(
                from: socket, appendingTo: &unread, bytesMax: bytesMax)
            bytesReceived += UInt64(count)
            if count == 0 { hasEnded = true }
        } catch {
            if error != .again { hasEnded = true }
        }
    }

    /// The next line that came, without its line end; `nil` when there is none.
    func next() -> Piece? {
        switch scanner.next(RawSpan(_elements: unread.span)) {
        case .frame(let frame):
            let line = Array(unread[frame.bytes])
            unread.removeFirst(frame.consumed)
            return .line(line)
        case .overlong(let bytes, let consumed):
            unread.removeFirst(consumed)
            return .overlong(bytes)
        case .incomplete(let consumed):
            unread.removeFirst(consumed)
            return nil
        }
    }
}
