import Wire

/// What is installed, by every manager that is there at once.
extension ActionCatalog {
    static let applicationActions: [ActionDescription] = [
        .look("GetInstalledApplicationsWMI") { catalog, _ throws(ActionFailure) in
            try catalog.applications(named: nil)
        },
        .look("GetApplicationDetails", [.required("app_id")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.applications(named: try ApplicationID(parameters).name)
        },
    ]

    private func applications(named name: String?) throws(ActionFailure) -> ActionPlan {
        var commands: [PlannedCommand] = []
        var sources: [ApplicationSource] = []
        for source in ApplicationSource.allCases where machine.find(source.program) != nil {
            commands.append(try command(source.program, source.arguments))
            sources.append(source)
        }
        guard !commands.isEmpty else {
            throw .unsupported("none of dpkg, rpm, pacman, snap and flatpak is installed")
        }
        return .run(commands) { [sources] outputs throws(ActionFailure) in
            var rows: [JSONTree] = []
            var failed: [String] = []
            for (source, output) in zip(sources, outputs) {
                // snap without its daemon must not hide what dpkg knows.
                guard output.succeeded else {
                    failed.append("\(source.program): \(output.errorText.cut(toBytes: 512))")
                    continue
                }
                for application in source.parse(output)
                where name == nil || application.name == name || application.id == name {
                    rows.append(application.row(source))
                }
            }
            guard failed.count < sources.count else {
                throw .failed(failed.joined(separator: "; "))
            }
            if let name, rows.isEmpty { throw .failed("no application \(name) is installed") }
            let document = ActionDocument(
                [
                    ("sources", .texts(sources.map(\.rawValue))), ("failed", .texts(failed)),
                    ("count", .count(rows.count)),
                ], rows: "applications", rows)
            return .of(document, text: "\(rows.count) applications\n")
        }
    }
}

/// Where an application came from.
enum ApplicationSource: String, CaseIterable, Sendable {
    case dpkg, rpm, pacman, snap, flatpak

    var program: String { self == .dpkg ? "dpkg-query" : rawValue }

    var arguments: [String] {
        switch self {
        case .dpkg: Array(PackageManager.dpkgListing.dropFirst())
        case .rpm: Array(PackageManager.rpmListing.dropFirst())
        case .pacman: ["--query"]
        case .snap: ["list", "--color=never", "--unicode=never"]
        case .flatpak:
            ["list", "--app", "--columns=application,name,version,branch,origin,size"]
        }
    }

    func parse(_ output: CommandOutput) -> [Application] {
        switch self {
        case .dpkg: InstalledPackage.parse(output, of: .apt).map { Application($0) }
        case .rpm: InstalledPackage.parse(output, of: .dnf).map { Application($0) }
        case .pacman: InstalledPackage.parse(output, of: .pacman).map { Application($0) }
        case .snap:
            // Name Version Rev Tracking Publisher Notes
            output.lines.dropFirst().compactMap { line in
                let fields = line.split(separator: " ").map(String.init)
                guard fields.count >= 5 else { return nil }
                return Application(
                    id: fields[0], name: fields[0], version: fields[1], publisher: fields[4])
            }
        case .flatpak:
            output.rows("\t", fields: 5).map { fields in
                Application(
                    id: fields[0], name: fields[1],
                    version: fields[2].isEmpty ? fields[3] : fields[2],
                    publisher: fields[4])
            }
        }
    }
}

struct Application: Sendable, Equatable {
    var id: String
    var name: String
    var version: String
    var publisher: String
    var summary = ""
    var sizeKiB: Int64?

    init(id: String, name: String, version: String, publisher: String) {
        self.id = id
        self.name = name
        self.version = version
        self.publisher = publisher
    }

    init(_ package: InstalledPackage) {
        self.init(
            id: package.name, name: package.name, version: package.version,
            publisher: package.publisher)
        summary = package.summary
        sizeKiB = package.sizeKiB
    }

    func row(_ source: ApplicationSource) -> JSONTree {
        [
            "id": .text("\(source.rawValue):\(id)"), "name": .text(name),
            "version": .text(version), "publisher": .text(publisher),
            "description": .text(summary),
            "size_kb": sizeKiB.map { .integer($0) } ?? .null, "source": .text(source.rawValue),
        ]
    }
}
