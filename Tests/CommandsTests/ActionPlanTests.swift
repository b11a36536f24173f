import Testing
import Wire

@testable import Commands

/// What each action runs, for each manager.
@Suite struct ActionPlanTests {
    private func catalog(_ programs: [String]) -> ActionCatalog {
        ActionCatalog(machine: fakeMachine(programs))
    }

    private var apt: ActionCatalog { catalog(debian) }
    private var dnf: ActionCatalog { catalog(["dnf", "rpm", "systemctl"]) }
    private var zypper: ActionCatalog { catalog(["zypper", "rpm"]) }
    private var pacman: ActionCatalog { catalog(["pacman"]) }

    @Test func servicesAreAskedOfSystemctl() throws {
        let listing = try apt.arguments("ServiceList")
        #expect(
            listing == [
                [
                    "/usr/bin/systemctl", "show", "--no-pager",
                    "--property=Id,Description,LoadState,ActiveState,SubState,UnitFileState,MainPID",
                    "--", "*.service",
                ],
                [
                    "/usr/bin/systemctl", "list-unit-files", "--type=service", "--no-legend",
                    "--no-pager", "--full",
                ],
            ])
        for operation in ["start", "stop", "restart", "reload", "enable", "disable"] {
            let values: [String: ActionValue] = [
                "service": .text("getty@tty1"), "operation": .text(operation),
            ]
            #expect(
                try apt.arguments("ServiceControl", values) == [
                    [
                        "/usr/bin/systemctl", operation, "--no-ask-password", "--no-pager", "--",
                        "getty@tty1.service",
                    ]
                ])
        }
        let status = try apt.arguments(
            "ServiceControl", ["service": .text("ssh.service"), "operation": .text("status")])
        #expect(status[0].suffix(2) == ["--", "ssh.service"])
        #expect(status[0][1] == "show")
        #expect(
            try apt.arguments(
                "RestartServices",
                ["service_name": .text("a"), "services": .texts(["b", "c.timer"])])[0]
                .suffix(4) == ["--", "a.service", "b.service", "c.timer"])
    }

    @Test func packagesAreChangedWithoutAQuestion() throws {
        let nano: [String: ActionValue] = ["package": .text("nano")]
        let quiet = [
            "/usr/bin/apt-get", "--yes", "--quiet=2", "--option=DPkg::Lock::Timeout=120",
            "--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold",
        ]
        #expect(try apt.arguments("PackageInstall", nano) == [quiet + ["install", "--", "nano"]])
        #expect(try apt.arguments("PackageRemove", nano) == [quiet + ["remove", "--", "nano"]])
        #expect(
            try apt.arguments("PackageUpdate", nano) == [
                quiet + ["--only-upgrade", "install", "--", "nano"]
            ])
        #expect(
            try dnf.arguments("PackageInstall", nano) == [
                ["/usr/bin/dnf", "--assumeyes", "--quiet", "install", "--", "nano"]
            ])
        #expect(
            try zypper.arguments("PackageRemove", nano) == [
                ["/usr/bin/zypper", "--non-interactive", "remove", "--name", "--", "nano"]
            ])
        #expect(
            try pacman.arguments("PackageUpdate", nano) == [
                ["/usr/bin/pacman", "--sync", "--noconfirm", "--needed", "--", "nano"]
            ])
        guard case .run(let commands, _) = try apt.plan("PackageInstall", nano) else { return }
        #expect(
            commands[0].environment == [
                "DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none",
                "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            ])
        #expect(commands[0].timeoutSeconds == 1800)
    }

    /// `remove python3+` would remove what the regular expression matches, `remove htop+` install.
    @Test func aptIsGivenPatternsForNamesThatItWouldReadAsExpressions() throws {
        let commands = try apt.arguments("PackageRemove", ["package": .text("g++")])
        #expect(commands.count == 2)
        let named = try #require(commands.first?.last)
        #expect(named.hasPrefix("?and(?exact-name(g++),?architecture("))
        #expect(commands[1].suffix(3) == ["--showformat=${db:Status-Abbrev}", "--", "g++"])
        let foreign = try apt.arguments("PackageInstall", ["package": .text("libc6.1:i386")])
        #expect(foreign[0].last == "?and(?exact-name(libc6.1),?architecture(i386))")
        #expect(
            try dnf.arguments("PackageRemove", ["package": .text("gcc-c++")])[0].last == "gcc-c++")
    }

    @Test func aPatternThatMatchedNothingIsAFailure() throws {
        let values: [String: ActionValue] = ["package": .text("g++")]
        let there = printed("ii ")
        let gone = printed("", exitCode: 1, errors: "no packages found matching g++")
        #expect(try apt.answer("PackageInstall", values, [printed(""), there]).success)
        #expect(try apt.answer("PackageRemove", values, [printed(""), gone]).success)
        #expect(throws: ActionFailure.self) {
            try apt.answer("PackageInstall", values, [printed(""), gone])
        }
        #expect(throws: ActionFailure.self) {
            try apt.answer("PackageRemove", values, [printed(""), there])
        }
        let failed = try apt.answer(
            "PackageInstall", values, [printed("", exitCode: 100, errors: "E: locked")])
        #expect(!failed.success && failed.exitCode == 100 && failed.standardError == "E: locked")
    }

    @Test func lookingIsDoneWithoutFetchingOrLocking() throws {
        #expect(
            try apt.arguments("CheckLinuxUpdates") == [
                [
                    "/usr/bin/apt-get", "--simulate", "--quiet=2",
                    "--option=Debug::NoLocking=true", "dist-upgrade",
                ]
            ])
        #expect(
            try dnf.arguments("GetSecurityUpdates") == [
                ["/usr/bin/dnf", "--quiet", "--cacheonly", "check-update"],
                ["/usr/bin/dnf", "--quiet", "--cacheonly", "updateinfo", "list", "--security"],
            ])
        #expect(
            try zypper.arguments("GetPendingLinuxUpdates")[0] == [
                "/usr/bin/zypper", "--non-interactive", "--terse", "--no-refresh", "list-updates",
            ])
        #expect(
            try pacman.arguments("GetPendingUpdates") == [
                ["/usr/bin/pacman", "--query", "--upgrades"]
            ])
        #expect(
            try apt.arguments("PackageSearch", ["query": .text("nano")]) == [
                ["/usr/bin/apt-cache", "search", "--", "nano"]
            ])
        #expect(
            try apt.arguments("EstimateUpdateSize", ["app_id": .text("dpkg:nano")])[0].suffix(3)
                == ["install", "--", "nano"])
        #expect(
            dnf.refusal("EstimateUpdateSize", ["app_id": .text("nano")]) == .unsupportedPlatform)
        #expect(try dnf.arguments("GetUpdateHistory")[0][0] == "/usr/bin/rpm")
        #expect(try apt.arguments("UserList") == [["/usr/bin/getent", "passwd"]])
        #expect(try apt.arguments("CheckSystemIntegrity") == [["/usr/bin/dpkg", "--verify"]])
    }

    @Test func inventoriesAskEveryManagerThatIsThere() throws {
        let all = catalog(["dpkg-query", "snap", "flatpak"])
        #expect(
            try all.arguments("GetInstalledApplicationsWMI").map { $0[0] } == [
                "/usr/bin/dpkg-query", "/usr/bin/snap", "/usr/bin/flatpak",
            ])
        let guarded = catalog(["nft", "ufw", "iptables-save"])
        #expect(
            try guarded.arguments("CheckFirewallStatus") == [
                ["/usr/bin/ufw", "status", "verbose"], ["/usr/bin/nft", "list", "ruleset"],
                ["/usr/bin/iptables-save"],
            ])
    }

    /// A timer of systemd's, so that the answer is out before anything stops.
    @Test func powerWaitsForTheAnswer() throws {
        #expect(
            try apt.arguments("Reboot") == [
                [
                    "/usr/bin/systemd-run", "--quiet", "--collect", "--on-active=1s",
                    "--timer-property=AccuracySec=100ms", "--", "/usr/bin/systemctl", "reboot",
                ]
            ])
        let later = try apt.arguments("Shutdown", ["delay": .integer(60)])[0]
        #expect(later[3] == "--on-active=60s" && later.suffix(1) == ["poweroff"])
    }

    @Test func timeIsStepppedByWhoeverKeepsIt() throws {
        let chrony = catalog(["chronyc", "systemctl"])
        #expect(try chrony.arguments("SyncTime")[0] == ["/usr/bin/chronyc", "-n", "makestep"])
        let timesyncd = ActionCatalog(
            machine: fakeMachine(
                ["systemctl", "timedatectl"], files: ["/lib/systemd/systemd-timesyncd": ""]))
        #expect(
            try timesyncd.arguments("SyncTime")[0] == [
                "/usr/bin/systemctl", "restart", "--no-ask-password", "--",
                "systemd-timesyncd.service",
            ])
    }

    @Test func cleaningUpKnowsThreeTargets() throws {
        let machine = catalog(debian + ["systemd-tmpfiles", "journalctl"])
        #expect(
            try machine.arguments("DiskCleanup", ["drive": .text("C:")]).map { $0[1] }
                == ["--clean", "--quiet=2", "--quiet"])
        #expect(
            try machine.arguments("CleanTemporaryFiles") == [
                ["/usr/bin/systemd-tmpfiles", "--clean"]
            ])
        #expect(
            try machine.arguments("DiskCleanup", ["targets": .texts(["logs", "journal"])]) == [
                ["/usr/bin/journalctl", "--quiet", "--vacuum-time=7d"]
            ])
    }

    @Test func howACommandEndedIsSaid() throws {
        let values: [String: ActionValue] = ["package": .text("nano")]
        func code(_ output: CommandOutput) throws -> Int32 {
            let answer = try apt.answer("PackageInstall", values, [output])
            #expect(!answer.success)
            return answer.exitCode
        }
        #expect(try code(CommandOutput(outcome: .timedOut)) == 124)
        #expect(try code(CommandOutput(outcome: .signalled, signal: 9)) == 137)
        #expect(try code(CommandOutput(outcome: .cancelled)) == 143)
        #expect(try code(CommandOutput(outcome: .failedToStart)) == 127)
        #expect(try code(printed("", exitCode: 100)) == 100)
        #expect(try apt.answer("PackageInstall", values, []).success == false)
        do throws(ActionFailure) {
            let plan = try apt.plan("PackageList", parameters: ActionParameters())
            guard case .run(_, let finish) = plan else { return }
            _ = try finish([CommandOutput(outcome: .timedOut)])
            Issue.record("half a list was answered")
        } catch {
            #expect(error.code == .commandTimeout)
        }
    }
}
