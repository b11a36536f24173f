import Wire

/// What machine this is, and who uses it.
extension ActionCatalog {
    static let systemActions: [ActionDescription] = [
        .look("SystemInfo") { catalog, _ throws(ActionFailure) in
            .compute { [machine = catalog.machine] () throws(ActionFailure) in
                systemInfo(machine.sample())
            }
        },
        .look("OsInfo") { catalog, _ throws(ActionFailure) in
            .compute { [machine = catalog.machine] () throws(ActionFailure) in
                try osInfo(machine)
            }
        },
        .look("UserList") { catalog, _ throws(ActionFailure) in try catalog.userList() },
    ]

    private static func systemInfo(_ sample: MetricsSample) -> ActionAnswer {
        let system = sample.system ?? SystemSample()
        let memory = sample.memory ?? MemorySample()
        let load = sample.load ?? LoadSample()
        let document = ActionDocument([
            ("hostname", .text(system.hostname)), ("os_name", .text(system.name)),
            ("os_version", .text(system.osVersion)),
            ("kernel_version", .text(system.kernelVersion)),
            ("architecture", .text(system.architecture)),
            ("uptime_seconds", .count(system.uptimeSeconds)),
            ("cpu_count", .count(sample.cpu?.cores.count ?? 0)),
            ("cpu_usage_percent", .number(rounded(sample.cpu?.usagePercent ?? 0))),
            ("memory_total_kb", .count(memory.totalKiB)),
            ("memory_used_kb", .count(memory.usedKiB)),
            ("memory_available_kb", .count(memory.availableKiB)),
            ("swap_total_kb", .count(memory.swapTotalKiB)),
            ("swap_used_kb", .count(memory.swapUsedKiB)),
            (
                "load_average",
                [
                    "load_1min": .number(load.oneMinute), "load_5min": .number(load.fiveMinutes),
                    "load_15min": .number(load.fifteenMinutes),
                ]
            ),
            (
                "interfaces",
                .list(
                    sample.interfaces.map { row in
                        [
                            "name": .text(row.name), "is_up": .truth(row.isUp),
                            "mac_address": .text(row.macAddress),
                            "ip_addresses": .texts(row.addresses),
                        ]
                    })
            ),
        ])
        return .of(
            document,
            text: "\(system.hostname): \(system.name) \(system.osVersion), "
                + "Linux \(system.kernelVersion)\n")
    }

    /// os-release(5), every field of it under its own name in small letters.
    private static func osInfo(_ machine: ActionMachine) throws(ActionFailure) -> ActionAnswer {
        let files = ["/etc/os-release", "/usr/lib/os-release"]
        guard let text = files.lazy.compactMap({ machine.readText($0) }).first else {
            throw .failed("neither \(files[0]) nor \(files[1]) can be read")
        }
        let fields = SettingsFile.assignments(text)
        let system = machine.sample().system ?? SystemSample()
        let known = Dictionary(fields) { _, last in last }
        let name = known["PRETTY_NAME"] ?? known["NAME"] ?? "Linux"
        let document = ActionDocument(
            [
                ("platform", "linux"), ("name", .text(known["NAME"] ?? "Linux")),
                ("version", .text(known["VERSION_ID"] ?? "")), ("pretty_name", .text(name)),
                ("id", .text(known["ID"] ?? "linux")),
                ("kernel_version", .text(system.kernelVersion)),
                ("architecture", .text(system.architecture)), ("hostname", .text(system.hostname)),
                ("os_release", .members(fields.map { ($0.0.lowercased(), .text($0.1)) })),
            ])
        return .of(document, text: name + "\n")
    }

    /// By getent(1) where it is, which knows directories such as LDAP too, else from the file.
    private func userList() throws(ActionFailure) -> ActionPlan {
        let finish: @Sendable (String) -> ActionAnswer = { [machine] text in
            let records =
                machine.read("/run/utmp", 1 << 20) ?? machine.read("/var/run/utmp", 1 << 20) ?? []
            let sessions = LoginRecord.parse(records).filter { $0.kind == .session }
            let rows = UserAccount.parse(text).map { account in
                account.row(sessions: sessions.filter { $0.user == account.name })
            }
            return .of(
                ActionDocument([("count", .count(rows.count))], rows: "users", rows),
                text: "\(rows.count) users, \(sessions.count) sessions\n")
        }
        guard machine.find("getent") != nil else {
            return .compute { [machine] () throws(ActionFailure) in
                guard let text = machine.readText("/etc/passwd", bytesMax: 1 << 20) else {
                    throw .failed("/etc/passwd cannot be read")
                }
                return finish(text)
            }
        }
        return .run([try command("getent", ["passwd"])]) { outputs throws(ActionFailure) in
            let output = try outputs.output(0, of: "getent")
            try output.require(of: "getent passwd")
            return finish(output.text)
        }
    }
}

/// A line of passwd(5).
struct UserAccount: Sendable, Equatable {
    var name: String
    var id: Int64
    var groupID: Int64
    var fullName: String
    var home: String
    var shell: String

    static func parse(_ text: String) -> [UserAccount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 7, let id = Int64(fields[2]), let group = Int64(fields[3]) else {
                return nil
            }
            return UserAccount(
                name: String(fields[0]), id: id, groupID: group,
                fullName: String(fields[4].prefix { $0 != "," }), home: String(fields[5]),
                shell: String(fields[6]))
        }
    }

    /// Those of people begin at 1000, by login.defs(5); 65534 is nobody.
    private var isSystem: Bool { id != 0 && (id < 1000 || id == 65_534) }

    private var canLogIn: Bool {
        !["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"].contains(shell)
    }

    func row(sessions: [LoginRecord]) -> JSONTree {
        [
            "username": .text(name), "uid": .integer(id), "gid": .integer(groupID),
            "full_name": .text(fullName), "home": .text(home), "shell": .text(shell),
            "is_system": .truth(isSystem), "can_log_in": .truth(canLogIn),
            "sessions": .list(
                sessions.prefix(16).map { session in
                    [
                        "terminal": .text(session.line), "host": .text(session.host),
                        "since": .text(RFC3339.text(session.seconds * 1000)),
                    ]
                }),
        ]
    }
}

/// A record of /run/utmp or of /var/log/btmp. Source: utmp(5), as Linux lays it out on 64 bits.
struct LoginRecord: Sendable, Equatable {
    enum Kind: Int16, Sendable { case session = 7, login = 6, other = 0 }

    static let bytes = 384

    var kind: Kind
    var line: String
    var user: String
    var host: String
    /// Since 1970 UTC.
    var seconds: Int64

    /// Whole records; where the first bytes are the end of one, they are left out.
    static func parse(_ file: [UInt8]) -> [LoginRecord] {
        let first = file.count % bytes
        return stride(from: first, to: file.count, by: bytes).map { start in
            LoginRecord(
                kind: Kind(rawValue: Int16(file[start]) | Int16(file[start + 1]) << 8) ?? .other,
                line: text(file[(start + 8)..<(start + 40)]),
                user: text(file[(start + 44)..<(start + 76)]),
                host: text(file[(start + 76)..<(start + 332)]),
                seconds: (0..<4).reduce(0) { $0 | Int64(file[start + 340 + $1]) << (8 * $1) })
        }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// Lines `NAME=VALUE` with the quotes of a shell. Source: os-release(5).
enum SettingsFile {
    static func assignments(_ text: String) -> [(String, String)] {
        text.split(separator: "\n").compactMap { line in
            guard let mark = line.firstIndex(of: "="), !line.hasPrefix("#") else { return nil }
            var value = line[line.index(after: mark)...].trimmed
            for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) {
                if value.hasSuffix(quote) { value = String(value.dropFirst().dropLast()) }
            }
            return (String(line[..<mark]), value)
        }
    }
}
