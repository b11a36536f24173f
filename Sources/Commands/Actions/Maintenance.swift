import Wire

/// Cleaning up, and looking whether installed files are as they were.
extension ActionCatalog {
    static let maintenanceActions: [ActionDescription] = [
        .change("DiskCleanup", [.optional("drive"), .optional("targets", .texts)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.cleanUp(try parameters.texts("targets"), usually: CleanUpTarget.allCases)
        },
        .change("CleanTemporaryFiles", [.optional("targets", .texts)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.cleanUp(try parameters.texts("targets"), usually: [.temporary])
        },
        .look("CheckSystemIntegrity") { catalog, _ throws(ActionFailure) in
            try catalog.integrity()
        },
    ]

    private func cleanUp(
        _ names: [String], usually: [CleanUpTarget]
    ) throws(ActionFailure) -> ActionPlan {
        var targets: [CleanUpTarget] = []
        for name in names {
            guard let target = CleanUpTarget(named: name) else {
                throw .invalid("targets are among temp, cache and logs")
            }
            if !targets.contains(target) { targets.append(target) }
        }
        if targets.isEmpty { targets = usually }
        var commands: [PlannedCommand] = []
        for target in targets {
            switch target {
            case .temporary:
                commands.append(
                    try command("systemd-tmpfiles", ["--clean"], seconds: 300))
            case .packageCache:
                let manager = try packageManager()
                commands.append(try command(manager, manager.cleaning, seconds: 300))
            case .logs:
                commands.append(
                    try command("journalctl", ["--quiet", "--vacuum-time=7d"], seconds: 300))
            }
        }
        return .run(commands) { [count = commands.count, targets] outputs throws(ActionFailure) in
            outputs.echoed(expecting: count, [("targets", .texts(targets.map(\.rawValue)))])
        }
    }

    /// Files of packages whose checksum is no longer the package's.
    private func integrity() throws(ActionFailure) -> ActionPlan {
        let line =
            switch try packageManager() {
            case .apt: ["dpkg", "--verify"]
            case .dnf, .zypper: ["rpm", "--verify", "--all", "--nomtime", "--nodeps"]
            case .pacman: ["pacman", "--query", "--check", "--check", "--quiet"]
            }
        let command = try command(line[0], Array(line.dropFirst()), seconds: 600)
        return .run([command]) { outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: line[0])
            try output.require([0, 1], of: line.joined(separator: " "))
            let rows = output.lines.map { line -> JSONTree in
                let fields = line.split(separator: " ", maxSplits: 1)
                return [
                    "result": .text(fields.first.map(String.init) ?? ""),
                    "file": .text(fields.count > 1 ? fields[1].trimmed : ""),
                ]
            }
            return .of(
                ActionDocument([("changed", .count(rows.count))], rows: "files", rows),
                text: "\(rows.count) files are not as installed\n")
        }
    }
}

/// What can be cleaned up, by the words that hosts use for it.
enum CleanUpTarget: String, CaseIterable, Sendable {
    case temporary = "temp"
    case packageCache = "cache"
    case logs

    init?(named name: String) {
        switch name.lowercased() {
        case "temp", "tmp", "temporary", "temp_files", "temporary_files": self = .temporary
        case "cache", "package_cache", "packages": self = .packageCache
        case "logs", "log", "journal": self = .logs
        default: return nil
        }
    }
}
