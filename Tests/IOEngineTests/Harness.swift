import CLinux
import Glibc
import IOEngine
import Kernel
import Slabs
import Testing

/// Both engines, for tests that hold for either.
let bothEngines: [IOEngine.Choice] = [.uring, .epoll]

/// Foundation has a Stream, too; and IOEngine is also the name of a class in the module.
typealias IOStream = Stream

/// One end of a stream with its rings, driven by hand.
final class Line {
    let engine: IOEngine
    let stream: Stream
    var receive: ReceiveRing
    var send: SendRing
    var lastRead: Transfer?
    var lastWrite: Transfer?
    var edges: [Edges] = []
    var isClosed = false

    init(
        _ engine: IOEngine, _ descriptor: consuming FileDescriptor, slabs: Int = 2,
        isRegistered: Bool = true, kind: StreamKind = .socket
    ) throws {
        self.engine = engine
        receive = try ReceiveRing(slabCount: slabs)
        send = try SendRing(slabCount: slabs)
        if isRegistered {
            engine.register(&receive)
            engine.register(&send)
        }
        stream = try engine.attach(descriptor, kind)
    }

    func startRead(bytesMax: Int = EngineLimits.readBytesMax) {
        guard let lease = receive.leaseFree(bytesMax: bytesMax) else { return }
        engine.read(stream, into: lease)
    }

    func startWrite(bytesMax: Int = EngineLimits.writeBytesMax) {
        guard let lease = send.leaseUnsent(bytesMax: bytesMax) else { return }
        engine.write(stream, from: lease)
    }

    func put(_ bytes: [UInt8]) {
        send.put(bytes)
    }

    func takeAll() -> [UInt8] { receive.takeAll() }

    /// Takes a completion that is this line's own; gives any other back.
    func accept(_ completion: consuming Completion) {
        switch consume completion {
        case .read(_, let lease, let transfer):
            lastRead = transfer
            if case .bytes(let count) = transfer {
                receive.commit(lease, filled: count)
            } else {
                receive.commit(lease, filled: 0)
            }
        case .written(_, let lease, let transfer):
            lastWrite = transfer
            if case .bytes(let count) = transfer {
                send.complete(lease, sent: count)
            } else {
                send.complete(lease, sent: 0)
            }
            send.releaseSent()
        case .edge(_, let edge): edges.append(edge)
        case .closed: isClosed = true
        default: break
        }
    }
}

/// Turns the engine until `isDone`, at most five seconds; each completion goes to the line of its
/// stream.
func turn(_ engine: IOEngine, _ lines: [Line], until isDone: () -> Bool) {
    let limit = MonotonicTime.now.adding(milliseconds: 5000)
    while !isDone() {
        guard MonotonicTime.now < limit else {
            Issue.record("nothing came within five seconds")
            return
        }
        engine.turn(until: limit) { completion in
            let place = place(of: completion)
            if let line = lines.first(where: { $0.stream.place == place }) {
                line.accept(completion)
            } else {
                discard(completion)
            }
        }
    }
}

func place(of completion: borrowing Completion) -> Int? {
    switch completion {
    case .read(let stream, _, _): stream.place
    case .written(let stream, _, _): stream.place
    case .edge(let stream, _): stream.place
    case .closed(let stream): stream.place
    default: nil
    }
}

func discard(_ completion: consuming Completion) {
    switch consume completion {
    case .read(_, let lease, _): lease.abandon()
    case .written(_, let lease, _): lease.abandon()
    default: break
    }
}

/// Closes the lines and waits for it, so that every lease is home before the rings go.
func close(_ engine: IOEngine, _ lines: [Line]) {
    for line in lines where !line.isClosed { engine.close(line.stream) }
    turn(engine, lines) { lines.allSatisfy { $0.isClosed } }
}

/// Two connected non-blocking sockets.
struct SocketPair: ~Copyable {
    let left: FileDescriptor
    let right: FileDescriptor

    init() throws {
        var ends: [Int32] = [0, 0]
        let result = ends.withUnsafeMutableBufferPointer { buffer in
            clinux_socketpair(buffer.baseAddress)
        }
        guard result == 0 else { throw Errno.current }
        left = FileDescriptor(owning: ends[0])
        right = FileDescriptor(owning: ends[1])
    }

    consuming func split() -> (Int32, Int32) {
        let (one, other) = (dup(left.number), dup(right.number))
        return (one, other)
    }
}

extension SendRing {
    mutating func put(_ bytes: [UInt8]) {
        do {
            var free = free()
            free.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
        }
        append(bytes.count)
    }
}

extension ReceiveRing {
    /// Everything unread, as a copy.
    mutating func takeAll() -> [UInt8] {
        var bytes: [UInt8] = []
        unread.withUnsafeBytes { bytes = Array($0) }
        consume(bytes.count)
        return bytes
    }
}

/// Whether it was this timer's; anything else is thrown away.
func isTimer(_ completion: consuming Completion, _ key: TimerKey) -> Bool {
    switch consume completion {
    case .timer(let its): return its == key
    case let other:
        discard(other)
        return false
    }
}

func isWake(_ completion: consuming Completion) -> Bool {
    switch consume completion {
    case .woken: return true
    case let other:
        discard(other)
        return false
    }
}
