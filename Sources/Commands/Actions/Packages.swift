import Wire

/// Packages, by whichever manager is there.
extension ActionCatalog {
    static let packageActions: [ActionDescription] = [
        .look("PackageList") { catalog, _ throws(ActionFailure) in try catalog.packageList() },
        .look("PackageSearch", [.required("query")]) { catalog, parameters throws(ActionFailure) in
            let query = try NameRule.query.check(parameters.requiredText("query"), "query")
            return try catalog.packageSearch(query)
        },
        .change("PackageInstall", [.required("package")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.packageChange(parameters, "install") { $0.install($1) }
        },
        .change("PackageRemove", [.required("package")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.packageChange(parameters, "remove") { $0.remove($1) }
        },
        .change("PackageUpdate", [.required("package")]) {
            catalog, parameters throws(ActionFailure) in
            try catalog.packageChange(parameters, "update") { $0.update($1) }
        },
    ]

    func packageManager() throws(ActionFailure) -> PackageManager {
        guard let manager = PackageManager.detect(machine) else {
            throw .unsupported("none of apt, dnf, zypper and pacman is installed in this guest")
        }
        return manager
    }

    func command(
        _ manager: PackageManager, _ line: [String], seconds: Double = ActionLimits.lookSeconds
    ) throws(ActionFailure) -> PlannedCommand {
        try command(
            line[0], Array(line.dropFirst()), seconds: seconds, environment: manager.environment)
    }

    private func packageList() throws(ActionFailure) -> ActionPlan {
        let manager = try packageManager()
        return .run([try command(manager, manager.listing)]) { outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: manager.rawValue)
            try output.require(of: manager.listing[0])
            let packages = InstalledPackage.parse(output, of: manager)
            let document = ActionDocument(
                [
                    ("package_manager", .text(manager.rawValue)), ("count", .count(packages.count)),
                    ("truncated", .truth(output.truncated)),
                ], rows: "packages", packages.map(\.row))
            return .of(document, text: "\(packages.count) packages\n")
        }
    }

    private func packageSearch(_ query: String) throws(ActionFailure) -> ActionPlan {
        let manager = try packageManager()
        let line = manager.search(query)
        return .run([try command(manager, line)]) { outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: line[0])
            // pacman says 1, zypper 104 and dnf 1 when nothing was found.
            try output.require([0, 1, 104], of: line[0])
            let found = FoundPackage.parse(output, of: manager)
            let document = ActionDocument(
                [("package_manager", .text(manager.rawValue)), ("count", .count(found.count))],
                rows: "packages", found.map(\.row))
            return .of(document, text: "\(found.count) packages found\n")
        }
    }

    private func packageChange(
        _ parameters: ActionParameters, _ operation: String,
        _ line: (PackageManager, String) -> [String]
    ) throws(ActionFailure) -> ActionPlan {
        let name = try NameRule.packageName(parameters.requiredText("package"))
        let manager = try packageManager()
        var commands = [
            try command(manager, line(manager, name), seconds: ActionLimits.changeSeconds)
        ]
        if manager == .apt, PackageManager.isPattern(name) {
            let state = ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", "--", name]
            commands.append(try command(manager, state))
        }
        return .run(commands) { [count = commands.count] outputs throws(ActionFailure) in
            if count == 2, outputs.count == 2, outputs[0].succeeded {
                let isThere = outputs[1].succeeded && outputs[1].text.dropFirst().hasPrefix("i")
                guard isThere != (operation == "remove") else {
                    throw .failed(
                        isThere
                            ? "\(name) is still installed"
                            : "there is no package \(name) to \(operation)")
                }
            }
            return Array(outputs.prefix(1)).echoed(
                expecting: 1,
                [
                    ("operation", .text(operation)), ("package", .text(name)),
                    ("package_manager", .text(manager.rawValue)),
                ])
        }
    }
}

/// A package that is installed.
struct InstalledPackage: Sendable, Equatable {
    var name: String
    var version: String
    var architecture = ""
    var sizeKiB: Int64?
    var publisher = ""
    var summary = ""

    /// The table that ``PackageManager/listing`` asks for.
    static func parse(_ output: CommandOutput, of manager: PackageManager) -> [InstalledPackage] {
        if manager == .pacman {
            return output.rows(" ", fields: 2).map {
                InstalledPackage(name: $0[0], version: $0[1])
            }
        }
        return output.rows("\t", fields: 7).compactMap { fields in
            // `ii`: wanted and installed; `hi` is held back.
            guard fields[0].dropFirst().hasPrefix("i") else { return nil }
            let size = Int64(fields[4])
            return InstalledPackage(
                name: fields[1], version: fields[2], architecture: known(fields[3]),
                sizeKiB: manager == .apt ? size : size.map { $0 / 1024 },
                publisher: known(fields[5]), summary: fields[6])
        }
    }

    private static func known(_ text: String) -> String { text == "(none)" ? "" : text }

    var row: JSONTree {
        [
            "name": .text(name), "version": .text(version), "architecture": .text(architecture),
            "size_kb": sizeKiB.map { .integer($0) } ?? .null, "publisher": .text(publisher),
            "description": .text(summary), "installed": true,
        ]
    }
}

/// A package that a search found.
struct FoundPackage: Sendable, Equatable {
    var name: String
    var version = ""
    var summary: String

    static func parse(_ output: CommandOutput, of manager: PackageManager) -> [FoundPackage] {
        switch manager {
        case .apt: lines(output, separator: " - ")
        case .dnf: lines(output, separator: " : ")
        case .zypper: table(output)
        case .pacman: pacman(output)
        }
    }

    /// `NAME - SUMMARY`, and dnf's headings left out.
    private static func lines(_ output: CommandOutput, separator: String) -> [FoundPackage] {
        output.lines.compactMap { line in
            guard !line.hasPrefix("="), let mark = line.firstRange(of: separator) else {
                return nil
            }
            let name = line[..<mark.lowerBound].trimmed
            return name.isEmpty
                ? nil : FoundPackage(name: name, summary: line[mark.upperBound...].trimmed)
        }
    }

    /// `S | Name | Summary | Type` with a line of dashes below it.
    private static func table(_ output: CommandOutput) -> [FoundPackage] {
        output.rows("|", fields: 4).compactMap { fields in
            let name = fields[1].trimmed
            guard fields[3].trimmed == "package" else { return nil }
            return FoundPackage(name: name, summary: fields[2].trimmed)
        }
    }

    /// `repository/NAME VERSION`, then the summary, indented.
    private static func pacman(_ output: CommandOutput) -> [FoundPackage] {
        var found: [FoundPackage] = []
        for line in output.lines {
            if line.hasPrefix(" "), !found.isEmpty {
                found[found.count - 1].summary = line.trimmed
            } else if let slash = line.firstIndex(of: "/") {
                let fields = line[line.index(after: slash)...].split(separator: " ")
                guard fields.count >= 2 else { continue }
                found.append(
                    FoundPackage(name: String(fields[0]), version: String(fields[1]), summary: ""))
            }
        }
        return found
    }

    var row: JSONTree {
        [
            "name": .text(name), "version": .text(version), "description": .text(summary),
        ]
    }
}

extension StringProtocol {
    /// Without blanks and tabs at both ends.
    var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let rest = drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(rest[...last])
    }
}
