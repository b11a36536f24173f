import Wire

/// How the machine is guarded, as far as this process may see.
extension ActionCatalog {
    static let securityActions: [ActionDescription] = [
        .look("CheckLinuxSecurity") { catalog, _ throws(ActionFailure) in catalog.security() },
        .look("GetLinuxSecurityStatus") { catalog, _ throws(ActionFailure) in catalog.security() },
        .look("CheckSecurityModules") { catalog, _ throws(ActionFailure) in
            .compute { [machine = catalog.machine] () throws(ActionFailure) in
                let modules = SecurityModules(machine)
                return .of(ActionDocument(modules.members), text: modules.line)
            }
        },
        .look("GetLinuxFirewallStatus") { catalog, _ throws(ActionFailure) in
            try catalog.firewall()
        },
        .look("CheckFirewallStatus") { catalog, _ throws(ActionFailure) in try catalog.firewall() },
    ]

    private func security() -> ActionPlan {
        .compute { [machine] () throws(ActionFailure) in
            let modules = SecurityModules(machine)
            let upgrades = UnattendedUpgrades(machine)
            let now = machine.wallMilliseconds()
            let failed = machine.read("/var/log/btmp", 1 << 20).map { bytes in
                LoginRecord.parse(bytes).filter { $0.seconds * 1000 >= now - 86_400_000 }
            }
            let folder = "/sys/devices/system/cpu/vulnerabilities"
            let weaknesses = machine.names(folder).sorted().map { name in
                let text = machine.readText("\(folder)/\(name)") ?? ""
                return (name, JSONTree.text(String(text.prefix { $0 != "\n" })))
            }
            let document = ActionDocument(
                modules.members + [
                    ("automatic_updates", .truth(upgrades.isOn)),
                    ("automatic_updates_by", .text(upgrades.means)),
                    ("failed_logins_24h", failed.map { .count($0.count) } ?? .null),
                    (
                        "failed_logins",
                        .list((failed ?? []).suffix(20).reversed().map(\.failureRow))
                    ),
                    ("reboot_required", .truth(machine.exists("/run/reboot-required"))),
                    ("cpu_vulnerabilities", .members(weaknesses)),
                ])
            let upgradesText = upgrades.isOn ? "automatic updates on" : "automatic updates off"
            return .of(document, text: modules.line + upgradesText + "\n")
        }
    }

    /// Each tool that is there is asked for what it has set; none changes anything.
    private func firewall() throws(ActionFailure) -> ActionPlan {
        let tools: [(program: String, arguments: [String])] = [
            ("ufw", ["status", "verbose"]), ("firewall-cmd", ["--list-all"]),
            ("nft", ["list", "ruleset"]), ("iptables-save", []), ("ip6tables-save", []),
        ].filter { machine.find($0.program) != nil }
        guard !tools.isEmpty else {
            throw .unsupported("none of ufw, firewalld, nftables and iptables is installed")
        }
        var commands: [PlannedCommand] = []
        for tool in tools { commands.append(try command(tool.program, tool.arguments)) }
        return .run(commands) { outputs throws(ActionFailure) in
            let states = zip(tools, outputs).map { FirewallState(program: $0.program, output: $1) }
            guard states.contains(where: \.isKnown) else {
                throw .failed(states.map { "\($0.program): \($0.text)" }.joined(separator: "; "))
            }
            let active = states.first { $0.isActive }
            let document = ActionDocument(
                [
                    ("enabled", .truth(active != nil)), ("active_by", .optional(active?.program)),
                    ("rules", .count(states.map(\.rules).max() ?? 0)),
                ], rows: "tools", states.map(\.row))
            return .of(
                document,
                text: active.map { "firewall active (\($0.program))\n" } ?? "no firewall\n")
        }
    }
}

extension LoginRecord {
    fileprivate var failureRow: JSONTree {
        [
            "user": .text(user), "terminal": .text(line), "host": .text(host),
            "time": .text(RFC3339.text(seconds * 1000)),
        ]
    }
}

/// Mandatory access control. Sources: /sys/kernel/security/lsm, apparmor(7), selinux(8).
private struct SecurityModules {
    let active: [String]
    let appArmor: Bool
    let appArmorProfiles: Int?
    /// `enforcing`, `permissive` or `disabled`.
    let seLinux: String

    init(_ machine: ActionMachine) {
        let list = machine.readText("/sys/kernel/security/lsm") ?? ""
        active = list.split { $0 == "," || $0 == "\n" }.map(String.init)
        let switched = machine.readText("/sys/module/apparmor/parameters/enabled")
        appArmor = switched?.hasPrefix("Y") ?? false
        let profiles = machine.readText(
            "/sys/kernel/security/apparmor/profiles", bytesMax: 1 << 20)
        appArmorProfiles = profiles?.split(separator: "\n").count
        switch machine.readText("/sys/fs/selinux/enforce")?.first {
        case "1": seLinux = "enforcing"
        case "0": seLinux = "permissive"
        default: seLinux = "disabled"
        }
    }

    var members: [(String, JSONTree)] {
        [
            ("security_modules", .texts(active)), ("apparmor_enabled", .truth(appArmor)),
            ("apparmor_profiles", appArmorProfiles.map { .count($0) } ?? .null),
            ("selinux", .text(seLinux)),
        ]
    }

    var line: String { "AppArmor \(appArmor ? "on" : "off"), SELinux \(seLinux)\n" }
}

/// Whether updates are installed without being asked for. Sources: apt.conf(5)'s
/// `APT::Periodic::Unattended-Upgrade`, dnf-automatic(8).
struct UnattendedUpgrades {
    let isOn: Bool
    let means: String

    init(_ machine: ActionMachine) {
        let folder = "/etc/apt/apt.conf.d"
        let files = machine.names(folder).sorted().filter { name in
            name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == "." }
        }
        // Later files win, as apt reads them.
        let settings = files.compactMap { name in
            machine.readText("\(folder)/\(name)").flatMap { Self.setting($0) }
        }
        let timers = "/etc/systemd/system/timers.target.wants"
        if let last = settings.last, last != "0" {
            (isOn, means) = (true, "unattended-upgrades")
        } else if let timer = machine.names(timers).first(where: { $0.hasPrefix("dnf-automatic") })
        {
            (isOn, means) = (true, timer)
        } else {
            (isOn, means) = (false, "")
        }
    }

    /// The last value in one file.
    static func setting(_ text: String) -> String? {
        text.split(separator: "\n").compactMap { line -> String? in
            let line = line.trimmed
            guard line.hasPrefix("APT::Periodic::Unattended-Upgrade ") else { return nil }
            let fields = line.split(separator: "\"", omittingEmptySubsequences: false)
            return fields.count == 3 ? String(fields[1]) : nil
        }.last
    }
}

/// What one firewall tool said.
struct FirewallState: Sendable {
    let program: String
    let isKnown: Bool
    let isActive: Bool
    let rules: Int
    let text: String

    init(program: String, output: CommandOutput) {
        self.program = program
        isKnown = output.succeeded
        text = (isKnown ? output.text : output.errorText).cut(toBytes: 32_768)
        let lines = isKnown ? output.lines.map(\.trimmed) : []
        switch program {
        case "ufw":
            isActive = lines.contains("Status: active")
            rules = lines.drop { !$0.hasPrefix("--") }.dropFirst().count
        case "firewall-cmd":
            isActive = isKnown
            rules = lines.filter { $0.hasPrefix("rule ") }.count
        case "nft":
            // A chain without a rule and with policy accept guards nothing.
            let marks = [
                "table ", "chain ", "set ", "map ", "type ", "elements", "flags", "}", "#",
            ]
            let bodies = lines.filter { line in !marks.contains { line.hasPrefix($0) } }
            rules = bodies.count
            isActive = rules > 0 || lines.contains { $0.contains("policy drop") }
        default:
            rules = lines.filter { $0.hasPrefix("-A ") }.count
            isActive =
                rules > 0 || lines.contains { $0.hasPrefix(":") && $0.contains(" DROP ") }
        }
    }

    var row: JSONTree {
        [
            "tool": .text(program), "readable": .truth(isKnown), "active": .truth(isActive),
            "rules": .count(rules), "output": .text(text),
        ]
    }
}
