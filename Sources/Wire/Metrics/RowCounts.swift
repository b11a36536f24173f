/// The lists of a sample that can be so long that rows have to go.
enum RowList: CaseIterable {
    case processes, ports, interfaces, fileSystems, disks, cores, errors
}

/// A number of rows for each of them: on the wire `"truncated":{"processes":12,...}`.
public struct RowCounts: Hashable, Sendable {
    public var processes = 0
    public var ports = 0
    public var interfaces = 0
    public var fileSystems = 0
    public var disks = 0
    public var cores = 0
    public var errors = 0

    public init() {}

    public var total: Int {
        processes + ports + interfaces + fileSystems + disks + cores + errors
    }

    subscript(list: RowList) -> Int {
        get { self[keyPath: Self.path(list)] }
        set { self[keyPath: Self.path(list)] = newValue }
    }

    private static func path(_ list: RowList) -> WritableKeyPath<RowCounts, Int> {
        switch list {
        case .processes: \.processes
        case .ports: \.ports
        case .interfaces: \.interfaces
        case .fileSystems: \.fileSystems
        case .disks: \.disks
        case .cores: \.cores
        case .errors: \.errors
        }
    }
}

extension RowCounts {
    /// The member `truncated`, with the lists that lost rows.
    func encode(into writer: inout JSONWriter) {
        guard total > 0 else { return }
        writer.beginObject("truncated")
        if processes > 0 { writer.member("processes", processes) }
        if ports > 0 { writer.member("ports", ports) }
        if interfaces > 0 { writer.member("interfaces", interfaces) }
        if fileSystems > 0 { writer.member("file_systems", fileSystems) }
        if disks > 0 { writer.member("disks", disks) }
        if cores > 0 { writer.member("cores", cores) }
        if errors > 0 { writer.member("errors", errors) }
        writer.endObject()
    }

    init(_ value: JSONValue) {
        self.init()
        var members = value.members
        processes = members.count("processes")
        ports = members.count("ports")
        interfaces = members.count("interfaces")
        fileSystems = members.count("file_systems")
        disks = members.count("disks")
        cores = members.count("cores")
        errors = members.count("errors")
    }
}
