public import Kernel

/// The process that holds file systems frozen: one freeze, then its end.
public struct FreezeHolder: ~Copyable {
    private let listener: FileDescriptor
    private let signals: FileDescriptor
    private let lifeLine: FileDescriptor
    /// The freezing thread closes its end when it is done.
    private let frozen: SocketPair

    /// - Parameters:
    ///   - name: of the socket in the abstract name space.
    ///   - lifeLine: a descriptor that gets input, or an end, when whoever started the holder is
    ///     gone: it thaws then.
    /// - Throws: what socket(2), bind(2) and signalfd(2) say.
    public init(name: String, lifeLine: consuming FileDescriptor) throws(Errno) {
        let listener = try AbstractSocket.listen(name)
        let signals = try Signals.descriptor(
            for: [Signals.terminate, Signals.interrupt, Signals.hangUp])
        let frozen = try UnixSocket.pair()
        self.listener = listener
        self.signals = signals
        self.frozen = frozen
        self.lifeLine = lifeLine
    }

    /// Waits for a freeze and serves it until the thaw.
    public func run() {
        let end = deadline(seconds: FreezeLimits.idleSeconds)
        while let client = nextClient(until: end) {
            switch Self.request(of: client, until: end) {
            case .some(let request) where request.deadlineSeconds == nil:
                Self.answer(client, ["done"])
                return
            case .some(let request):
                serve(request, client)
                return
            case .none:
                Self.answer(client, ["failed the request is malformed"])
            }
        }
    }

    /// Freezes, answers, and thaws when it is time.
    private func serve(_ request: FreezeRequest, _ client: borrowing FileDescriptor) {
        let end = deadline(seconds: request.deadlineSeconds ?? 1)
        let fileSystems: FrozenFileSystems
        do throws(Errno) {
            let mounts = try MountTableFile.ordered(points: Set(request.points))
            let missing = Set(request.points).subtracting(mounts.map(\.point))
            guard missing.isEmpty else {
                let names = missing.sorted().joined(separator: ", ")
                Self.answer(client, ["failed no writable file system of a disk at \(names)"])
                return
            }
            fileSystems = FrozenFileSystems(mounts)
        } catch {
            Self.answer(client, ["failed /proc/self/mountinfo: \(error)"])
            return
        }
        // What was asked for by name is frozen or the request fails; of "all", what can be.
        if !request.points.isEmpty, let (point, error) = fileSystems.unopened.first {
            Self.answer(client, ["failed \(point): \(error)"])
            return
        }
        guard !fileSystems.isEmpty else {
            Self.answer(client, ["failed no writable file system stands on a disk"])
            return
        }
        // From here to the thaw nothing may wait for a disk.
        OwnMemory.keep()
        let far = frozen.far.number
        do throws(Errno) {
            try WorkerThread.start(name: "freeze") {
                fileSystems.freeze()
                AbstractSocket.shutDown(far)
            }
        } catch {
            Self.answer(client, ["failed no thread: \(error)"])
            return
        }
        guard waitFrozen(client, until: end), let report = fileSystems.report, report.isGood else {
            let why = fileSystems.report?.lines ?? ["failed it took longer than the deadline"]
            fileSystems.thaw()
            Self.answer(client, why)
            // A thread that died with this process while it froze would leave that frozen.
            while fileSystems.report == nil {
                _ = Inputs.wait(for: [frozen.near.number], milliseconds: -1)
            }
            return
        }
        guard Self.answer(client, report.lines + ["done"]) else {
            fileSystems.thaw()
            return
        }
        while let next = nextClient(until: end) {
            guard Self.request(of: next, until: end) == FreezeRequest(deadlineSeconds: nil) else {
                Self.answer(next, ["failed file systems are frozen already; ask for the thaw"])
                continue
            }
            Self.answer(next, fileSystems.thaw() + ["done"])
            return
        }
        fileSystems.thaw()
    }

    /// Whether the freeze ended before the deadline, the life line's end, a signal, or the client's
    /// going away.
    private func waitFrozen(
        _ client: borrowing FileDescriptor, until end: MonotonicTime
    ) -> Bool {
        let bits = wait(
            for: [frozen.near.number, lifeLine.number, signals.number, client.number], end)
        return bits == 1
    }

    /// The next connection of this user, `nil` when the deadline passed, the life line closed or a
    /// signal came.
    private func nextClient(until end: MonotonicTime) -> FileDescriptor? {
        while true {
            let bits = wait(for: [listener.number, lifeLine.number, signals.number], end)
            guard bits == 1 else { return nil }
            guard let client = ListeningSocket.accept(listener.number) else { continue }
            // Names in the abstract name space have no permissions.
            if AbstractSocket.isOwnUser(client) { return client }
        }
    }

    /// Which descriptors have input; 0 at the deadline.
    private func wait(for descriptors: [Int32], _ end: MonotonicTime) -> Int32 {
        while true {
            let left = end.nanoseconds(since: .now)
            guard left > 0 else { return 0 }
            let milliseconds = Int32(clamping: left / 1_000_000 + 1)
            let bits = Inputs.wait(for: descriptors, milliseconds: milliseconds)
            if bits != 0 { return bits }
        }
    }

    private func deadline(seconds: Int64) -> MonotonicTime {
        .now.adding(milliseconds: UInt64(seconds) * 1000)
    }

    private static func request(
        of client: borrowing FileDescriptor, until end: MonotonicTime
    ) -> FreezeRequest? {
        var bytes: [UInt8] = []
        let end = min(end, MonotonicTime.now.adding(milliseconds: 2000))
        while !FreezeRequest.isWhole(bytes), bytes.count <= FreezeLimits.requestBytesMax {
            let left = Int32(clamping: end.nanoseconds(since: .now) / 1_000_000)
            guard left > 0, Inputs.wait(for: [client.number], milliseconds: left) > 0,
                let more = try? client.nextBytes(countMax: 4096), !more.isEmpty
            else { return nil }
            bytes += more
        }
        return FreezeRequest(bytes)
    }

    /// Whether it went out. The connection does not wait: an answer fits in a socket's buffer.
    @discardableResult
    private static func answer(_ client: borrowing FileDescriptor, _ lines: [String]) -> Bool {
        let text = lines.map { $0 + "\n" }.joined()
        do throws(Errno) {
            try FileDescriptor.writeAll(text, to: client.number)
            return true
        } catch {
            return false
        }
    }
}
