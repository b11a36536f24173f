import IOEngine
import Kernel
import Slabs

extension ProgramFailure {
    /// The other end is gone, or the kernel failed a transfer.
    static func transfer(_ what: String, _ transfer: Transfer) -> ProgramFailure {
        switch transfer {
        case .bytes: ProgramFailure(.inputOutput, "\(what): the other end closed the connection")
        case .failed(let errno): ProgramFailure(.inputOutput, "\(what) failed: \(errno)")
        }
    }

    static func memory(_ error: SlabError) -> ProgramFailure {
        ProgramFailure(.tryAgain, "\(error)")
    }
}

/// What every benchmark begins with.
enum Setup {
    static func engine(
        _ choice: IOEngine.Choice, streamsMax: Int = EngineLimits.streamsDefault
    ) throws(ProgramFailure) -> IOEngine {
        do {
            return try IOEngine(choice, streamsMax: streamsMax)
        } catch {
            throw ProgramFailure(.unavailable, "the engine cannot be had: \(error)")
        }
    }

    static func attach(
        _ engine: IOEngine, _ descriptor: consuming FileDescriptor, _ kind: StreamKind = .socket
    ) throws(ProgramFailure) -> Stream {
        do {
            return try engine.attach(descriptor, kind)
        } catch {
            throw ProgramFailure(.software, "\(error)")
        }
    }

    static func listen(_ engine: IOEngine, on path: String) throws(ProgramFailure) -> Stream {
        let descriptor: FileDescriptor
        do {
            descriptor = try ListeningSocket.open(path)
        } catch {
            throw ProgramFailure(
                .unavailable,
                "listening on \(path) failed: \(error). Use a path in a folder of your own.")
        }
        let stream = try attach(engine, descriptor, .device)
        engine.watch(stream)
        return stream
    }

    /// Connects to `path`, trying again for a moment while nobody listens there.
    static func connect(_ engine: IOEngine, to path: String) throws(ProgramFailure) -> Stream {
        let limit = MonotonicTime.now.adding(milliseconds: BenchLimits.connectMilliseconds)
        while true {
            do throws(Errno) {
                let descriptor = try UnixSocket.connect(path)
                return try attach(orFail: engine, descriptor)
            } catch {
                let isEarly = [.notFound, .connectionRefused, .again].contains(error)
                guard isEarly, MonotonicTime.now < limit else {
                    throw ProgramFailure(
                        .unavailable, "connecting to \(path) failed: \(error). Who listens there?")
                }
                let pause = MonotonicTime.now.adding(milliseconds: 10)
                while MonotonicTime.now < pause { engine.turn(until: pause) { $0.abandon() } }
            }
        }
    }

    private static func attach(
        orFail engine: IOEngine, _ descriptor: consuming FileDescriptor
    ) throws(Errno) -> Stream {
        do {
            return try engine.attach(descriptor, .socket)
        } catch {
            throw error.errno
        }
    }
}

extension Completion {
    /// Lets go of a completion that nobody waits for.
    consuming func abandon() {
        switch consume self {
        case .read(_, let lease, _): lease.abandon()
        case .written(_, let lease, _): lease.abandon()
        default: break
        }
    }
}
