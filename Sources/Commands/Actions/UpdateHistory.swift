import Wire

/// What was installed, brought up to date and removed.
extension ActionCatalog {
    func updateHistory(_ parameters: ActionParameters) throws(ActionFailure) -> ActionPlan {
        let days = try parameters.integer("days", in: 1...3650) ?? 30
        let manager = try packageManager()
        let since = machine.wallMilliseconds() - days * 86_400_000
        switch manager {
        case .apt:
            return .compute { [machine] () throws(ActionFailure) in
                // The older log first, so that the last line is the newest.
                let logs = ["/var/log/dpkg.log.1", "/var/log/dpkg.log"].compactMap {
                    machine.readText($0, bytesMax: ActionLimits.logBytesMax)
                }
                return Self.history(HistoryEntry.dpkg(logs.joined(separator: "\n")), since, manager)
            }
        case .pacman:
            return .compute { [machine] () throws(ActionFailure) in
                guard
                    let log = machine.readText(
                        "/var/log/pacman.log", bytesMax: ActionLimits.logBytesMax)
                else { throw .failed("/var/log/pacman.log cannot be read") }
                return Self.history(HistoryEntry.pacman(log), since, manager)
            }
        case .dnf, .zypper:
            // The database itself: it knows the newest installation of each package.
            let query = try command(
                "rpm",
                [
                    "--query", "--all",
                    "--queryformat=%{INSTALLTIME}\\t%{NAME}\\t%{EVR}\\t%{ARCH}\\n",
                ])
            return .run([query]) { outputs throws(ActionFailure) in
                let output = try outputs.output(0, of: "rpm")
                try output.require(of: "rpm")
                return Self.history(HistoryEntry.rpm(output), since, manager)
            }
        }
    }

    private static func history(
        _ entries: [HistoryEntry], _ since: Int64, _ manager: PackageManager
    ) -> ActionAnswer {
        // Logs are in local time without a zone: whole days are compared, a day more being kept.
        let firstDay = String(RFC3339.text(since - 86_400_000).prefix(10))
        let kept = entries.filter { $0.time.prefix(10) >= firstDay }.reversed()
        let document = ActionDocument(
            [
                ("package_manager", .text(manager.rawValue)), ("since", .text(firstDay)),
                ("count", .count(kept.count)),
            ], rows: "history", kept.map(\.row))
        return .of(document, text: "\(kept.count) changes since \(firstDay)\n")
    }
}

/// One change of a package.
struct HistoryEntry: Sendable, Equatable {
    /// As the log has it, the date first.
    var time: String
    /// `install`, `upgrade`, `remove`, `purge`.
    var action: String
    var package: String
    var oldVersion = ""
    var version = ""

    /// `DATE TIME ACTION PACKAGE:ARCHITECTURE OLD NEW`, oldest first. Source: dpkg(1), dpkg.log.
    static func dpkg(_ log: String) -> [HistoryEntry] {
        let actions: Set<Substring> = ["install", "upgrade", "remove", "purge"]
        return log.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 6, actions.contains(fields[2]) else { return nil }
            return HistoryEntry(
                time: "\(fields[0])T\(fields[1])", action: String(fields[2]),
                package: String(fields[3]), oldVersion: known(fields[4]), version: known(fields[5]))
        }
    }

    private static func known(_ text: Substring) -> String { text == "<none>" ? "" : String(text) }

    /// `[TIME] [ALPM] upgraded NAME (OLD -> NEW)`; `installed` and `removed` have one version.
    static func pacman(_ log: String) -> [HistoryEntry] {
        let names: [Substring: String] = [
            "installed": "install", "upgraded": "upgrade", "reinstalled": "install",
            "downgraded": "downgrade", "removed": "remove",
        ]
        return log.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 5, fields[1] == "[ALPM]", let action = names[fields[2]] else {
                return nil
            }
            let versions = fields[4...].map { $0.filter { $0 != "(" && $0 != ")" } }
            let isRemoval = action == "remove"
            return HistoryEntry(
                time: String(fields[0].dropFirst().dropLast()), action: action,
                package: String(fields[3]),
                oldVersion: versions.count == 3 || isRemoval ? versions[0] : "",
                version: isRemoval ? "" : versions.last ?? "")
        }
    }

    /// Seconds since 1970, name, version and architecture, oldest first.
    static func rpm(_ output: CommandOutput) -> [HistoryEntry] {
        let rows = output.rows("\t", fields: 4).compactMap { fields in
            Int64(fields[0]).map { (seconds: $0, fields: fields) }
        }
        return rows.sorted { $0.seconds < $1.seconds }.map { row in
            HistoryEntry(
                time: RFC3339.text(row.seconds.multipliedReportingOverflow(by: 1000).partialValue),
                action: "install", package: "\(row.fields[1]).\(row.fields[3])",
                version: row.fields[2])
        }
    }

    var row: JSONTree {
        [
            "time": .text(time), "action": .text(action), "package": .text(package),
            "old_version": .text(oldVersion), "version": .text(version),
        ]
    }
}
