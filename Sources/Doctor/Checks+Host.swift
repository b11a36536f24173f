/// Whether there is a host, and whether what is said gets through.
extension Doctor {
    private static let lookOnTheHost = "On the host: vireo doctor --socket PATH"

    static func host(_ view: GuestView) -> Finding? {
        guard let port = view.port else { return nil }
        // The driver knows best; the agent's word may be a moment old.
        if let isConnected = port.isHostConnected {
            return isConnected
                ? .ok(.host, "a host is connected, by the driver's debugfs")
                : absent("by the driver's debugfs")
        }
        if let isConnected = view.service.unit?.isHostConnected {
            return isConnected
                ? .ok(.host, "a host is connected, by the agent's status")
                : absent("by the agent's status")
        }
        return .note(
            .host, "whether a host is connected is not known; opening the port would disturb it",
            remedy: view.isRoot
                ? "sudo mount -t debugfs none /sys/kernel/debug, or start the agent, and look again"
                : "sudo vireo doctor, which reads /sys/kernel/debug/virtio-ports")
    }

    private static func absent(_ source: String) -> Finding {
        .note(
            .host, "no host is connected, \(source); the agent waits for one",
            remedy:
                "On the host: vireo host watch PATH; if nothing comes: vireo doctor --socket PATH")
    }

    /// By what the agent itself has counted: a question of ours would have to open the port.
    static func roundTrip(_ view: GuestView) -> Finding {
        guard let unit = view.service.unit, unit.isActive else {
            return .note(.roundTrip, "the agent is not running, so there is nobody to ask")
        }
        guard let sent = unit.framesSent, let received = unit.framesReceived else {
            return .note(.roundTrip, "the agent's status does not tell: '\(unit.statusText)'")
        }
        let seen = "the agent has sent \(sent) frames, the host \(received)"
        let isConnected = view.port?.isHostConnected ?? unit.isHostConnected
        if isConnected == false { return .note(.roundTrip, "\(seen); no host is connected now") }
        if received == 0 {
            return .note(
                .roundTrip, "\(seen): a host that only reads, or that is not one",
                remedy: lookOnTheHost)
        }
        return .ok(.roundTrip, seen)
    }
}
