import Foundation
import TestSupport
import Testing
import Wire

@testable import Commands

/// What programs print, recorded or in their documented form, and what becomes of it.
@Suite struct ActionParserTests {
    let apt = ActionCatalog(machine: fakeMachine(debian))

    @Test func servicesOfBothListsAreJoined() throws {
        let answer = try apt.answer(
            "ServiceList", [:],
            [
                printed(fixture: "systemctl-show.txt"),
                printed(fixture: "systemctl-list-unit-files.txt"),
            ])
        let services = try rows(answer, "services")
        let login = try #require(
            services.first { $0["name"] as? String == "systemd-logind.service" })
        #expect(login["status"] as? String == "running")
        #expect(login["startup_type"] as? String == "static")
        #expect(login["pid"] as? Int == 166)
        #expect(login["display_name"] as? String == "User Login Management")
        #expect(services.filter { $0["name"] as? String == "systemd-logind.service" }.count == 1)
        let backup = try #require(services.first { $0["name"] as? String == "backup.service" })
        #expect(backup["status"] as? String == "failed" && backup["pid"] is NSNull)
        #expect(backup["display_name"] as? String == "Nightly backup = all of /srv")
        #expect(!services.contains { $0["name"] as? String == "plymouth-quit.service" })
        // Only installed, never loaded.
        let daily = try #require(services.first { $0["name"] as? String == "apt-daily.service" })
        #expect(daily["load_state"] as? String == "unloaded")
        #expect(daily["startup_type"] as? String == "static")
        let names = services.compactMap { $0["name"] as? String }
        #expect(names == names.sorted())
        #expect(answer.commandType == "safe" && answer.success)
        #expect(throws: ActionFailure.self) {
            try apt.answer(
                "ServiceList", [:],
                [printed("", exitCode: 1, errors: "Failed to connect to bus: Host is down")])
        }
    }

    @Test func aServicesStateHasSystemctlsExitCodes() throws {
        func status(_ active: String, _ load: String) throws -> ActionAnswer {
            try apt.answer(
                "ServiceStatus", ["service": .text("a")],
                [printed("Id=a.service\nLoadState=\(load)\nActiveState=\(active)\nSubState=x\n")])
        }
        #expect(try status("active", "loaded").exitCode == 0)
        #expect(try status("inactive", "loaded").exitCode == 3)
        let missing = try status("inactive", "not-found")
        #expect(missing.exitCode == 4 && !missing.success)
    }

    @Test func removedPackagesAreNotListed() throws {
        let answer = try apt.answer("PackageList", [:], [printed(fixture: "dpkg-query.txt")])
        let packages = try rows(answer, "packages")
        let names = packages.compactMap { $0["name"] as? String }
        #expect(names.contains("adduser"))
        #expect(names.contains("linux-image-amd64"), "held packages are installed")
        #expect(!names.contains("old-editor"))
        let first = try #require(packages.first)
        #expect(first["name"] as? String == "adduser")
        #expect(first["version"] as? String == "3.134")
        #expect(first["architecture"] as? String == "all")
        #expect(first["size_kb"] as? Int == 686)
        #expect(try data(answer)["count"] as? Int == packages.count)
        let rpm = ActionCatalog(machine: fakeMachine(["dnf", "rpm"]))
        let listed = try rpm.answer(
            "PackageList", [:],
            [
                printed(
                    "ii\tbash\t5.1.8-9.el9\tx86_64\t7738634\t(none)\tThe GNU Bourne Again shell\n")
            ])
        let bash = try #require(try rows(listed, "packages").first)
        #expect(bash["size_kb"] as? Int == 7557 && bash["publisher"] as? String == "")
    }

    @Test func searchesOfAllManagersAreRead() throws {
        let found = try rows(
            apt.answer(
                "PackageSearch", ["query": .text("htop")],
                [printed(fixture: "apt-cache-search.txt")]),
            "packages")
        #expect(found.first?["name"] as? String == "htop")
        #expect(found.first?["description"] as? String == "interactive processes viewer")
        #expect(
            FoundPackage.parse(try printed(fixture: "zypper-search.txt"), of: .zypper) == [
                FoundPackage(name: "nano", summary: "Pico editor clone"),
                FoundPackage(name: "nano-lang", summary: "Translations for nano"),
            ])
        #expect(
            FoundPackage.parse(try printed(fixture: "pacman-search.txt"), of: .pacman).map(
                \.summary)
                == [
                    "Pico editor clone with enhancements",
                    "Nano editor syntax highlighting enhancements",
                ])
        #expect(
            FoundPackage.parse(
                printed("=== Name Matched: nano ===\nnano.x86_64 : A small text editor\n"), of: .dnf
            )
                == [FoundPackage(name: "nano.x86_64", summary: "A small text editor")])
        let none = try apt.answer("PackageSearch", ["query": .text("zzz")], [printed("")])
        #expect(none.success)
        #expect(try rows(none, "packages").isEmpty)
    }

    @Test func aptsSimulationIsReadForUpdates() throws {
        let output = try printed(fixture: "apt-dist-upgrade.txt")
        let answer = try apt.answer("CheckLinuxUpdates", [:], [output])
        let updates = try rows(answer, "updates")
        let bash = try #require(updates.first { $0["name"] as? String == "bash" })
        #expect(bash["current_version"] as? String == "5.2.15-2+b8")
        #expect(bash["available_version"] as? String == "5.2.15-2+b13")
        #expect(bash["is_security"] as? Bool == false)
        let security = try rows(apt.answer("GetSecurityUpdates", [:], [output]), "updates")
        #expect(security.contains { $0["name"] as? String == "libgcrypt20" })
        #expect(!security.contains { $0["name"] as? String == "bash" })
        #expect(security.count < updates.count)
        let one = try apt.answer("CheckSpecificAppUpdates", ["app_id": .text("bash")], [output])
        #expect(try rows(one, "updates").count == 1)
        // A package that is not installed yet has no old version.
        let new = PendingUpdate.parse(
            printed("Inst linux-image-6.1 (6.1.5-1 Debian:12.1/stable [amd64])\n"), security: nil,
            of: .apt)
        #expect(new.first?.installedVersion == "" && new.first?.version == "6.1.5-1")
    }

    @Test func otherManagersUpdatesAreRead() throws {
        let dnf = PendingUpdate.parse(
            try printed(fixture: "dnf-check-update.txt", exitCode: 100),
            security: try printed(fixture: "dnf-updateinfo.txt"), of: .dnf)
        #expect(dnf.map(\.name) == ["NetworkManager", "openssl-libs", "python3.11"])
        #expect(dnf.map(\.isSecurity) == [false, true, false])
        let prefix = PendingUpdate.parse(
            printed("openssl.x86_64 1:3.2.2 baseos\n"),
            security: try printed(fixture: "dnf-updateinfo.txt"), of: .dnf)
        #expect(prefix.map(\.isSecurity) == [false], "openssl is not openssl-libs")
        let zypper = PendingUpdate.parse(
            try printed(fixture: "zypper-list-updates.txt"),
            security: try printed(fixture: "zypper-list-patches.txt"), of: .zypper)
        #expect(zypper.map(\.name) == ["curl", "libcurl4", "SUSE-2025-101"])
        #expect(zypper.map(\.isSecurity) == [false, false, true])
        let pacman = PendingUpdate.parse(
            try printed(fixture: "pacman-upgrades.txt"), security: nil, of: .pacman)
        #expect(pacman.map(\.version) == ["3.3.2-1", "1:1.3.1-2"])
        // 100 is dnf's word for "there are some", and 1 a failure.
        let catalog = ActionCatalog(machine: fakeMachine(["dnf", "rpm"]))
        #expect(throws: ActionFailure.self) {
            try catalog.answer("CheckLinuxUpdates", [:], [printed("", exitCode: 1)])
        }
    }

    @Test func anUpdatesSizeIsTheSumOfItsFiles() throws {
        let answer = try apt.answer(
            "EstimateUpdateSize", ["app_id": .text("htop")], [printed(fixture: "print-uris.txt")])
        #expect(try data(answer)["size_bytes"] as? Int == 21_600 + 152_412)
    }

    @Test func historyKeepsTheDaysAskedFor() throws {
        let log = try fixture("dpkg.log")
        let catalog = ActionCatalog(
            machine: fakeMachine(debian, files: ["/var/log/dpkg.log": log]))
        let month = try rows(catalog.answer("GetUpdateHistory"), "history")
        #expect(month.compactMap { $0["action"] as? String } == ["purge", "remove", "upgrade"])
        #expect(month.last?["old_version"] as? String == "3.0.17-1~deb12u2")
        #expect(month.last?["time"] as? String == "2026-11-20T06:12:40")
        let year = try rows(
            catalog.answer("GetLinuxUpdateHistory", ["days": .integer(365)]), "history")
        #expect(year.last?["package"] as? String == "htop:amd64")
        let pacman = HistoryEntry.pacman(try fixture("pacman.log"))
        #expect(pacman.map(\.action) == ["upgrade", "install", "remove"])
        #expect(pacman.map(\.oldVersion) == ["3.3.1-1", "", "8.2-1"])
        #expect(pacman.map(\.version) == ["3.3.2-1", "3.3.0-3", ""])
        let rpm = HistoryEntry.rpm(printed("200\tb\t2\tnoarch\n100\ta\t1\tx86_64\nbad\tc\t1\tx\n"))
        #expect(rpm.map(\.package) == ["a.x86_64", "b.noarch"])
    }

    @Test func inventoriesOfAllSourcesAreJoinedAndFailuresNamed() throws {
        let catalog = ActionCatalog(machine: fakeMachine(["dpkg-query", "snap", "flatpak"]))
        let outputs = [
            try printed(fixture: "dpkg-query.txt"), try printed(fixture: "snap-list.txt"),
            printed("", exitCode: 1, errors: "no system bus"),
        ]
        let answer = try catalog.answer("GetInstalledApplicationsWMI", [:], outputs)
        let all = try rows(answer, "applications")
        #expect(all.contains { $0["id"] as? String == "dpkg:adduser" })
        #expect(all.contains { $0["id"] as? String == "snap:hello" })
        #expect(try data(answer)["failed"] as? [String] == ["flatpak: no system bus"])
        let flatpak = ApplicationSource.flatpak.parse(try printed(fixture: "flatpak-list.txt"))
        #expect(flatpak.map(\.version) == ["46.3", "beta"])
        let one = try catalog.answer(
            "GetApplicationDetails", ["app_id": .text("snap:hello")], outputs)
        #expect(try rows(one, "applications").count == 1)
        #expect(throws: ActionFailure.self) {
            try catalog.answer("GetApplicationDetails", ["app_id": .text("nosuch")], outputs)
        }
    }

    @Test func firewallsSayWhetherTheyGuard() throws {
        #expect(
            FirewallState(program: "ufw", output: try printed(fixture: "ufw-status.txt")).rules == 2
        )
        let nft = FirewallState(program: "nft", output: try printed(fixture: "nft-ruleset.txt"))
        #expect(nft.isActive && nft.rules == 2)
        let empty = FirewallState(program: "nft", output: try printed(fixture: "nft-empty.txt"))
        #expect(!empty.isActive && empty.rules == 0)
        let tables = FirewallState(
            program: "iptables-save", output: try printed(fixture: "iptables-save.txt"))
        #expect(tables.isActive && tables.rules == 1)
        let refused = FirewallState(
            program: "nft", output: printed("", exitCode: 1, errors: "Operation not permitted"))
        #expect(!refused.isKnown)
        let catalog = ActionCatalog(machine: fakeMachine(["ufw", "nft"]))
        let answer = try catalog.answer(
            "CheckFirewallStatus", [:],
            [printed("Status: inactive\n"), printed(fixture: "nft-ruleset.txt")])
        #expect(try data(answer)["active_by"] as? String == "nft")
        #expect(throws: ActionFailure.self) {
            let denied = printed("", exitCode: 1, errors: "denied")
            _ = try catalog.answer("CheckFirewallStatus", [:], [denied, denied])
        }
    }

    @Test func changedFilesAreListed() throws {
        let answer = try apt.answer(
            "CheckSystemIntegrity", [:], [printed(fixture: "dpkg-verify.txt", exitCode: 1)])
        let files = try rows(answer, "files")
        #expect(files.first?["file"] as? String == "c /etc/default/grub")
        #expect(files.count == 2)
    }

    /// Whatever a program prints, reading it neither traps nor invents an answer that does not fit.
    @Test func noiseIsSurvived() throws {
        var random = SeededRandom()
        let alphabet = Array("abI1 \t\n|=:()[]'\"\\-/<>.\u{0}é".utf8)
        func noise() -> CommandOutput {
            let bytes = (0..<400).map { _ in
                alphabet.randomElement(using: &random)!
            }
            return CommandOutput(
                outcome: .exited, exitCode: 0, standardOutput: bytes, standardError: bytes)
        }
        let values: [String: ActionValue] = [
            "service": .text("a"), "operation": .text("stop"), "package": .text("a"),
            "query": .text("a"), "app_id": .text("a"),
        ]
        let machines = [
            debian + ["snap", "flatpak", "nft", "ufw", "iptables-save", "chronyc"],
            ["dnf", "rpm"], ["zypper", "rpm"], ["pacman"],
        ]
        for programs in machines {
            let catalog = ActionCatalog(machine: fakeMachine(programs))
            for action in ActionCatalog.actions where action.isSupported {
                guard let plan = try? catalog.plan(action.name, values),
                    case .run(let commands, let finish) = plan
                else { continue }
                for _ in 0..<20 {
                    guard let answer = try? finish(commands.map { _ in noise() }) else { continue }
                    #expect(frameBytes(answer) != nil, "seed \(random.seed): \(action.name)")
                    _ = try data(answer)
                }
            }
        }
    }
}
