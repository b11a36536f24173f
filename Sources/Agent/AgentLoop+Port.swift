import IOEngine
import Kernel
import Logging
import Port
import Session
import Systemd
import Wire

extension AgentLoop: PortOwner {
    func hostArrived(at port: Port) {
        logger.info("host connected on \(port.path)", metadata: .event(.hostConnected, fields))
        hasSaidNoRoom = false
        makeRoomForResults()
        perform(session.hostArrived(at: milliseconds))
        sampler.request(at: .now)
        statusChanged()
    }

    func hostLeft(_ port: Port) {
        logger.info("host left \(port.path)", metadata: .event(.hostLeft, fields))
        pendingGreeting = nil
        session.hostLeft(at: milliseconds)
        statusChanged()
    }

    func portWaits(_ port: Port, after error: PortError, milliseconds: UInt64) {
        logger.notice(
            "\(error) (next attempt in \(milliseconds) ms)",
            metadata: .event(.portWaits, fields.merging(["code": "\(error.code)"]) { $1 }))
        if configuration.isOnce {
            end(ProgramFailure(ProgramFailure.Code(error), "\(error)"))
        }
        statusChanged()
    }

    func portEnded(_ port: Port, with error: PortError) {
        end(ProgramFailure(.unavailable, "\(error)"))
    }

    /// What tells this life of the agent and its port apart in the journal.
    var fields: Logger.Metadata {
        [
            "port": "\(port.path)", "epoch": "\(Epoch(session.epoch))",
            "session": "\(session.session)",
            "engine": "\(engine.kind.rawValue)",
        ]
    }

    func framesCame(to port: Port) {
        channel.forEachReceived { received in
            switch received {
            case .frame(let readable, let count): take(readable, count)
            case .overlong(let bytes): refuseOverlong(bytes)
            }
        }
        sendMore()
    }

    /// Says so once a host: one that asks and does not read could fill the journal otherwise.
    func noteNoRoom(for what: String) {
        guard !hasSaidNoRoom else { return }
        hasSaidNoRoom = true
        logger.warning(
            "\(what) found no room: the host asks and does not read",
            metadata: .event(.hostDoesNotRead, fields))
    }

    func noteLostOutput() {
        logger.error(
            """
            nothing leaves by \(port.path), although its host has just come: the device has lost \
            its queue. Restart the guest, or as root unbind the port's device from the driver \
            virtio_console and bind it again
            """,
            metadata: .event(.outputLost, fields))
    }

    /// Encodes a control message straight into its ring.
    func send(_ message: some WireMessage) -> Bool {
        channel.appendControl { space in
            var writer = JSONWriter(space)
            guard case .written(let count) = message.encode(into: &writer) else { return 0 }
            return count
        }
    }
}

extension ProgramFailure.Code {
    /// The exit code for a port that cannot be had.
    init(_ error: PortError) {
        switch error {
        case .permissionDenied, .foreignPort: self = .permission
        case .deviceBusy: self = .tryAgain
        case .invalidName, .invalidEndpoint: self = .usage
        case .inputOutput, .openFailed: self = .inputOutput
        default: self = .unavailable
        }
    }
}
