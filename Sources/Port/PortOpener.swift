import Kernel

/// Opens what an endpoint names. What stands there is looked at, never tried.
struct PortOpener {
    let endpoint: PortEndpoint
    let tree: PortTree
    private var discovery: Discovery?
    private var wasAdopted = false
    /// What was found last: a path, or the endpoint's text.
    private(set) var path = ""
    /// Whether that is a virtio port, where a read of 0 means that no host is there.
    private(set) var isVirtio = false

    init(endpoint: PortEndpoint, tree: PortTree, allowsForeign: Bool) {
        self.endpoint = endpoint
        self.tree = tree
        if case .named(let names) = endpoint {
            discovery = Discovery(names: names, allowsForeign: allowsForeign, tree: tree)
        }
    }

    /// Whether a node is there whose name may still come: worth looking again soon.
    var isWaitingForName: Bool { discovery?.isWaitingForName ?? false }

    /// Where the port, when it is not there, may appear.
    var directories: [String] {
        switch endpoint {
        case .named: [tree.dev, "\(tree.dev)/virtio-ports"]
        case .device(let path), .socket(let path): [parent(of: path)]
        case .descriptor: []
        }
    }

    private func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    mutating func open(at now: MonotonicTime) throws(PortError) -> FileDescriptor {
        isVirtio = false
        switch endpoint {
        case .named:
            guard let found = try discovery?.find(at: now) else { preconditionFailure() }
            path = found
            return try openDevice(found)
        case .device(let node):
            path = node
            if let error = tree.check(node, tree) { throw error }
            return try openDevice(node)
        case .socket(let name):
            path = name
            do {
                return try UnixSocket.connect(name)
            } catch {
                throw .connectionFailed(path: name, errno: error)
            }
        case .descriptor(let number):
            path = "fd:\(number)"
            guard !wasAdopted else { throw .hostDisconnected(path: path) }
            wasAdopted = true
            return try adopt(number)
        }
    }

    private mutating func openDevice(_ path: String) throws(PortError) -> FileDescriptor {
        isVirtio = true
        do {
            return try FileDescriptor.open(path, .readWriteNonBlocking)
        } catch {
            switch error {
            case .busy: throw .deviceBusy(path: path, holder: tree.holder(of: path))
            case .accessDenied, .notPermitted: throw .permissionDenied(path: path)
            case .noDevice, .noSuchDeviceOrAddress: throw .portGone(path: path)
            default: throw .openFailed(path: path, errno: error)
            }
        }
    }

    private mutating func adopt(_ number: Int32) throws(PortError) -> FileDescriptor {
        let descriptor = FileDescriptor(owning: number)
        do {
            try descriptor.setNonBlocking()
            let status = try descriptor.status()
            isVirtio = status.isCharacterDevice && status.deviceMajor == tree.driverMajor()
        } catch {
            throw .openFailed(path: path, errno: error)
        }
        return descriptor
    }
}
