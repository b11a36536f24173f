import Wire

/// What could be brought up to date, and what was.
extension ActionCatalog {
    static let updateActions: [ActionDescription] = [
        look("CheckLinuxUpdates", { _ in true }),
        look("GetPendingUpdates", { _ in true }),
        look("GetPendingLinuxUpdates", { _ in true }),
        look("GetAvailableUpdates", { _ in true }),
        look("CheckApplicationUpdates", { _ in true }),
        look("GetSecurityUpdates", { $0.isSecurity }),
        look("GetLinuxSecurityUpdates", { $0.isSecurity }),
        .look("CheckSpecificAppUpdates", [.required("app_id")]) {
            catalog, parameters throws(ActionFailure) in
            let name = try ApplicationID(parameters).name
            return try catalog.updates { $0.name == name }
        },
        .look("EstimateUpdateSize", [.required("app_id")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.updateSize(try ApplicationID(parameters).name)
        },
        .look("GetUpdateHistory", [.optional("days", .integer)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.updateHistory(parameters)
        },
        .look("GetLinuxUpdateHistory", [.optional("days", .integer)]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.updateHistory(parameters)
        },
    ]

    private static func look(
        _ name: String, _ isWanted: @escaping @Sendable (PendingUpdate) -> Bool
    ) -> ActionDescription {
        .look(name) { catalog, _ throws(ActionFailure) in try catalog.updates(isWanted) }
    }

    private func updates(
        _ isWanted: @escaping @Sendable (PendingUpdate) -> Bool
    ) throws(ActionFailure) -> ActionPlan {
        let manager = try packageManager()
        var commands = [try command(manager, manager.updates, seconds: 120)]
        if let line = manager.securityUpdates {
            commands.append(try command(manager, line, seconds: 120))
        }
        return .run(commands) { [machine] outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: manager.rawValue)
            try output.require(manager.updatesCodes, of: manager.updates[0])
            let security = outputs.count > 1 && outputs[1].succeeded ? outputs[1] : nil
            let all = PendingUpdate.parse(output, security: security, of: manager)
            let wanted = all.filter(isWanted)
            let document = ActionDocument(
                [
                    ("package_manager", .text(manager.rawValue)), ("count", .count(wanted.count)),
                    ("updates_available", .truth(!wanted.isEmpty)),
                    ("security_count", .count(wanted.filter(\.isSecurity).count)),
                    ("reboot_required", .truth(machine.exists("/run/reboot-required"))),
                ], rows: "updates", wanted.map(\.row))
            return .of(document, text: "\(wanted.count) updates\n")
        }
    }

    /// What would have to be fetched for one package, its dependencies included.
    private func updateSize(_ name: String) throws(ActionFailure) -> ActionPlan {
        let manager = try packageManager()
        guard manager == .apt else {
            throw .unsupported("\(manager.rawValue) does not tell the size of an update beforehand")
        }
        let command = try command(
            "apt-get",
            [
                "--yes", "--print-uris", "--quiet=2", "--only-upgrade", "install", "--",
                PackageManager.exactly(name),
            ])
        return .run([command]) { outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: "apt-get")
            try output.require(of: "apt-get --print-uris")
            // 'ADDRESS' FILE BYTES CHECKSUM
            let sizes = output.rows(" ", fields: 4).compactMap { Int64($0[2]) }
            let bytes = sizes.reduce(0) { $0 &+ $1 }
            let document = ActionDocument([
                ("app_id", .text(name)), ("packages", .count(sizes.count)),
                ("size_bytes", .integer(bytes)),
            ])
            return .of(document, text: "\(bytes) bytes in \(sizes.count) packages\n")
        }
    }
}

/// An application's or a package's name from a host; `dpkg:NAME` and the like count as the name.
struct ApplicationID {
    let name: String

    init(_ parameters: ActionParameters) throws(ActionFailure) {
        var text = try parameters.requiredText("app_id")
        for prefix in ["dpkg:", "rpm:", "pacman:", "snap:", "flatpak:"] where text.hasPrefix(prefix)
        {
            text = String(text.dropFirst(prefix.count))
        }
        name = try NameRule.application.check(text, "app_id")
    }
}

/// An update that is not installed yet.
struct PendingUpdate: Sendable, Equatable {
    var name: String
    var installedVersion = ""
    var version: String
    var source = ""
    var isSecurity = false

    static func parse(
        _ output: CommandOutput, security: CommandOutput?, of manager: PackageManager
    ) -> [PendingUpdate] {
        var updates =
            switch manager {
            case .apt: output.lines.compactMap { apt($0) }
            case .dnf: dnf(output)
            case .zypper: zypper(output)
            case .pacman: pacman(output)
            }
        guard let security else { return updates }
        // zypper knows patches, which bring several packages.
        if manager == .zypper { return updates + patches(security) }
        let named = security.lines.flatMap { $0.split(separator: " ") }
        for place in updates.indices {
            let start = updates[place].name + "-"
            updates[place].isSecurity = named.contains { word in
                word.hasPrefix(start) && word.dropFirst(start.count).first?.isNumber ?? false
            }
        }
        return updates
    }

    /// `Repository | Name | Category | Severity | Interactive | Status | ...`.
    private static func patches(_ output: CommandOutput) -> [PendingUpdate] {
        output.rows("|", fields: 6).compactMap { fields in
            let cells = fields.map(\.trimmed)
            guard cells[5] == "needed" else { return nil }
            return PendingUpdate(
                name: cells[1], version: cells[3], source: cells[0], isSecurity: true)
        }
    }

    /// `Inst NAME [INSTALLED] (VERSION ORIGIN:SUITE, ... [ARCHITECTURE])`.
    private static func apt(_ line: Substring) -> PendingUpdate? {
        guard line.hasPrefix("Inst "), let open = line.firstIndex(of: "("),
            let close = line[open...].firstIndex(of: ")")
        else { return nil }
        let head = line[..<open].split(separator: " ")
        let inside = line[line.index(after: open)..<close].split(separator: " ")
        guard head.count >= 2, let version = inside.first else { return nil }
        let source = inside.dropFirst().filter { !$0.hasPrefix("[") }.joined(separator: " ")
        let old = head.count > 2 ? String(head[2].dropFirst().dropLast()) : ""
        return PendingUpdate(
            name: String(head[1]), installedVersion: old, version: String(version), source: source,
            isSecurity: source.lowercased().contains("security"))
    }

    /// `NAME.ARCHITECTURE VERSION REPOSITORY` until the list of what they replace.
    private static func dnf(_ output: CommandOutput) -> [PendingUpdate] {
        var updates: [PendingUpdate] = []
        for line in output.lines {
            if line.hasPrefix("Obsoleting") { break }
            let fields = line.split(separator: " ")
            guard fields.count == 3, let dot = fields[0].lastIndex(of: ".") else { continue }
            updates.append(
                PendingUpdate(
                    name: String(fields[0][..<dot]), version: String(fields[1]),
                    source: String(fields[2])))
        }
        return updates
    }

    /// `S | Repository | Name | Current Version | Available Version | Arch`.
    private static func zypper(_ output: CommandOutput) -> [PendingUpdate] {
        output.rows("|", fields: 6).compactMap { fields in
            let cells = fields.map(\.trimmed)
            guard cells[0] == "v" else { return nil }
            return PendingUpdate(
                name: cells[2], installedVersion: cells[3], version: cells[4], source: cells[1])
        }
    }

    /// `NAME INSTALLED -> VERSION`.
    private static func pacman(_ output: CommandOutput) -> [PendingUpdate] {
        output.rows(" ", fields: 4).compactMap { fields in
            fields[2] == "->"
                ? PendingUpdate(name: fields[0], installedVersion: fields[1], version: fields[3])
                : nil
        }
    }

    var row: JSONTree {
        [
            "name": .text(name), "current_version": .text(installedVersion),
            "available_version": .text(version), "source": .text(source),
            "is_security": .truth(isSecurity),
        ]
    }
}
