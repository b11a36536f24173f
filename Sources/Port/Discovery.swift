public import Kernel

/// Finds the node of a port by its exact name: the udev link, then sysfs, then nodes without a
/// name.
///
/// Nothing is opened to see what it is: opening a port is visible to the host, and closing it
/// throws away what was waiting in it.
public struct Discovery: Sendable {
    public let names: [PortName]
    public let allowsForeign: Bool
    private let tree: PortTree
    /// When each node without a name was first seen.
    private var nameless: [String: MonotonicTime] = [:]

    /// - Parameters:
    ///   - names: in order of preference.
    ///   - allowsForeign: whether the document's fallback, another agent's port, may be taken when
    ///     there is none of ours.
    ///   - tree: where the nodes are looked for.
    public init(names: [PortName], allowsForeign: Bool = false, tree: PortTree = PortTree()) {
        precondition(!names.isEmpty)
        self.names = names
        self.allowsForeign = allowsForeign
        self.tree = tree
    }

    /// The path of the port's node now.
    ///
    /// - Throws: ``PortError/deviceNotFound(names:others:)``, or what is wrong with a node of the
    ///   name.
    public mutating func find(at now: MonotonicTime) throws(PortError) -> String {
        let nodes = tree.nodes()
        let wanted = names + (allowsForeign ? [PortName.foreignFallback] : [])
        var wrong: PortError?
        for name in wanted {
            for path in candidates(for: name, among: nodes) {
                guard let error = tree.check(path, tree) else { return path }
                wrong = wrong ?? error
            }
        }
        if let path = namelessNode(among: nodes, at: now) { return path }
        if let wrong { throw wrong }
        throw .deviceNotFound(names: names.map(\.text), others: nodes.compactMap(\.name))
    }

    /// Whether a node without a name is waiting for its time: then it is worth looking again soon.
    public var isWaitingForName: Bool { !nameless.isEmpty }

    private func candidates(for name: PortName, among nodes: [PortTree.Node]) -> [String] {
        let link = tree.links().contains(name.text) ? ["\(tree.dev)/virtio-ports/\(name.text)"] : []
        return link + nodes.filter { $0.name == name.text }.map(\.path)
    }

    /// The document's generic nodes: the first port of the first controller, then of the second,
    /// then any. Only those whose name has stayed away for five seconds, for it can appear after
    /// the node.
    private mutating func namelessNode(
        among nodes: [PortTree.Node], at now: MonotonicTime
    ) -> String? {
        let current = nodes.filter { $0.name == nil }.map(\.path)
        nameless = nameless.filter { current.contains($0.key) }
        for path in current where nameless[path] == nil { nameless[path] = now }
        let preferred = ["\(tree.dev)/vport0p1", "\(tree.dev)/vport1p1"]
        let order = preferred.filter(current.contains) + current.filter { !preferred.contains($0) }
        return order.first { path in
            let age = now.nanoseconds(since: nameless[path] ?? now)
            return age >= PortLimits.namelessMilliseconds * 1_000_000
                && tree.check(path, tree) == nil
        }
    }
}
