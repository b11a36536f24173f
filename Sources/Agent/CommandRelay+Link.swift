import IOEngine
import Kernel
import Logging
import Port
import Wire

/// The connection to the executor: made with the first command, and made again when it is lost.
extension CommandRelay: PortOwner {
    /// Makes sure that the executor is there.
    ///
    /// - Returns: why it is not, and how to say it.
    func connect() -> (ErrorCode, String)? {
        guard port == nil else { return nil }
        guard !isStopping else { return (.busy, "the agent is ending") }
        reap()
        if let startedAt {
            let age = MonotonicTime.now.nanoseconds(since: startedAt) / 1_000_000
            guard age >= CommandRelayLimits.restartMilliseconds else {
                return (.busy, "the program that runs commands ended: send it again in a second")
            }
        }
        startedAt = .now
        do {
            let descriptor = try reach()
            try serve(descriptor)
            return nil
        } catch {
            logger.warning("commands cannot be run: \(error)")
            return (.connectionFailed, "\(error)")
        }
    }

    private func reach() throws(ProgramFailure) -> FileDescriptor {
        if let path = configuration.socketPath { return try connect(to: path) }
        if configuration.policyPath == nil || configuration.isManaged {
            let path = CommandRelayConfiguration.socketPathDefault
            do throws(ProgramFailure) {
                return try connect(to: path)
            } catch {
                if configuration.isManaged { throw error }
            }
        }
        return try start()
    }

    private func connect(to path: String) throws(ProgramFailure) -> FileDescriptor {
        do throws(Errno) {
            return try UnixSocket.connect(path)
        } catch {
            throw ProgramFailure(
                .unavailable,
                "nothing runs commands at \(path): \(error). Enable vireo-exec.socket, or name a "
                    + "socket in VIREO_EXEC_SOCKET")
        }
    }

    /// Starts an executor of our own at the other end of a socket pair.
    private func start() throws(ProgramFailure) -> FileDescriptor {
        var arguments = ["--fd", "3"]
        if let policy = configuration.policyPath { arguments += ["--policy", policy] }
        let paths = configuration.programPaths.filter { (try? FileStatus.of($0)) != nil }
        guard let path = paths.first else {
            throw ProgramFailure(
                .unavailable, "vireo-exec is neither beside vireod nor in PATH: install it")
        }
        do throws(Errno) {
            let pair = try UnixSocket.pair()
            child = try ChildProcess.start(
                path, arguments: arguments,
                unblocked: [Signals.terminate, Signals.interrupt, Signals.hangUp, Signals.child],
                inherited: pair.far)
            logger.info("started \(path), process \(child?.pid ?? 0)")
            return pair.takeNear()
        } catch {
            throw ProgramFailure(.unavailable, "\(path) cannot be started: \(error)")
        }
    }

    private func serve(_ descriptor: consuming FileDescriptor) throws {
        let channel: FrameChannel
        if let existing = self.channel {
            channel = existing
        } else {
            // Not registered: an agent that runs no commands locks no memory for them.
            channel = try FrameChannel(engine: engine, registers: false)
            parser = try JSONParser()
            self.channel = channel
        }
        let port = Port(
            engine: engine, endpoint: .descriptor(descriptor.release()), channel: channel,
            timers: (timers.port, timers.frame))
        port.owner = self
        self.port = port
        owedBytes = 0
        port.start()
        _ = send(.hello(epoch: epoch, vmID: vmID))
    }

    func send(_ request: RelayRequest) -> Bool {
        guard port != nil, let channel else { return false }
        return channel.appendData { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = request.encode(into: &writer) else { return 0 }
            return count
        }
    }

    func send(_ request: RelayRequest, _ command: JSONValue) -> Bool {
        guard port != nil, let channel else { return false }
        return channel.appendData { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = request.encode(command: command, into: &writer) else {
                return 0
            }
            return count
        }
    }

    /// Takes a completion that is the relay's; gives any other back.
    func handle(_ completion: consuming Completion) -> Completion? {
        if let key = completion.timerKey, key == timers.own {
            ledger.expire(at: .now)
            setTimer()
            reap()
            return nil
        }
        guard let port else { return completion }
        return port.handle(completion)
    }

    // MARK: PortOwner

    func hostArrived(at port: Port) {}
    func hostLeft(_ port: Port) {}
    func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {}

    /// The executor is gone, and with it all that ran: what the commands did is not known, and the
    /// host is told so by an answer without an outcome.
    func portEnded(_ port: Port, with error: PortError) {
        self.port = nil
        owedBytes = 0
        let keys = ledger.runningKeys
        logger.warning("the program that runs commands has ended; it ran \(keys.count)")
        for key in keys {
            guard let id = ledger.id(of: key) else { continue }
            guard let message = answerForTheLost(key, id) else { continue }
            ledger.answered(key, message)
            queue(RelayAnswer(key: key, lost: message))
        }
        reap()
        if child != nil {
            engine.setTimer(timers.own, at: MonotonicTime.now.adding(milliseconds: 200))
        }
    }

    private func answerForTheLost(_ key: UInt64, _ id: String) -> RelayedMessage? {
        let words =
            "the program that runs commands ended; whether the command ran to its end is not known"
        if scripts.remove(key) != nil {
            var completion = ScriptCompletion(
                executionID: id, exitCode: nil, wallMilliseconds: nil)
            completion.stderr = words
            return RelayedMessage(completion)
        }
        var response = CommandResponse(id: id, success: false, commandType: "", wallMilliseconds: 0)
        response.wallMilliseconds = nil
        response.error = ErrorCode.connectionFailed.rawValue
        response.stderr = words
        return RelayedMessage(response)
    }

    /// Leaves the executor, for good; ``handle(_:)`` must be called until ``isClosed``. One that
    /// the agent started ends what runs, and then itself.
    func stop() {
        isStopping = true
        engine.setTimer(timers.own, at: nil)
        port?.stop()
    }

    var isClosed: Bool { port?.isClosed ?? true }

    private func reap() {
        if let code = child?.ended() {
            logger.info("vireo-exec ended with \(code)")
            child = nil
        }
    }

    func framesCame(to port: Port) {
        channel?.forEachReceived { received in
            switch received {
            case .frame(let readable, let count): take(readable, count)
            case .overlong(let bytes): logger.error("a frame of \(bytes) bytes from vireo-exec")
            }
        }
    }

    private func take(_ readable: RawSpan, _ count: Int) {
        guard var parser = self.parser.take() else { preconditionFailure("a frame in a frame") }
        do throws(JSONError) {
            try parser.parse(readable, count: count)
            if let answer = RelayAnswer(parser.root, frameBytes: count + 1) {
                take(answer)
            } else {
                logger.error("a frame from vireo-exec says nothing known")
            }
        } catch {
            logger.error("a frame from vireo-exec is \(error)")
        }
        self.parser = consume parser
    }
}
