import Testing
import Wire

@testable import Commands

@Suite struct ActionCatalogTests {
    let catalog = ActionCatalog(machine: fakeMachine(debian))

    @Test func everyActionOfTheFieldHasOneRow() {
        let names = ActionCatalog.actions.map(\.name)
        #expect(Set(names).count == names.count)
        let field = [
            "ServiceList", "ServiceControl", "PackageList", "PackageInstall", "PackageRemove",
            "PackageUpdate", "PackageSearch", "ProcessList", "ProcessKill", "ProcessTop",
            "SystemInfo", "OsInfo", "CheckWindowsUpdates", "GetUpdateHistory", "GetPendingUpdates",
            "CheckLinuxUpdates", "GetLinuxUpdateHistory", "GetPendingLinuxUpdates",
            "CheckLinuxSecurity", "GetLinuxSecurityStatus", "GetLinuxFirewallStatus",
            "CheckFirewallStatus", "GetLinuxSecurityUpdates", "CheckSecurityModules",
            "CheckWindowsDefender", "GetDefenderStatus", "RunDefenderQuickScan", "GetThreatHistory",
            "GetInstalledApplicationsWMI", "CheckApplicationUpdates", "GetApplicationDetails",
            "CheckSpecificAppUpdates", "EstimateUpdateSize", "GetAvailableUpdates",
            "GetSecurityUpdates", "CheckDiskSpace", "CheckResourceOptimization", "RunHealthCheck",
            "RunAllHealthChecks", "DiskCleanup", "ExecutePowerShellScript", "UserList",
            "PrepareGoldenImage", "JoinDomain", "RestartServices", "CleanTemporaryFiles",
            "RunMaintenanceTask", "ValidateSystemHealth", "CheckSystemIntegrity",
        ]
        #expect(Set(field).subtracting(names).isEmpty)
    }

    @Test func whatChangesSomethingIsNotReadOnly() {
        let changing = [
            "ServiceControl", "RestartServices", "PackageInstall", "PackageRemove", "PackageUpdate",
            "ProcessKill", "DiskCleanup", "CleanTemporaryFiles", "Shutdown", "Reboot", "SyncTime",
            "Freeze", "Thaw", "FileRead", "FileWrite",
        ]
        let supported = ActionCatalog.actions.filter(\.isSupported)
        #expect(Set(supported.filter { !$0.isReadOnly }.map(\.name)) == Set(changing))
        #expect(ActionCatalog.actions.filter { !$0.isSupported }.allSatisfy { !$0.isReadOnly })
    }

    /// Arguments that only look, of programs that can do more than that.
    @Test func readOnlyActionsRunNothingThatChanges() throws {
        let looks: Set = [
            "show", "list-unit-files", "list", "status", "--query", "--show", "search",
            "--simulate", "check-update", "updateinfo", "list-updates", "list-patches", "passwd",
            "--verify", "--print-uris", "--list-all", "--sync",
        ]
        let values: [String: ActionValue] = [
            "service": .text("ssh"), "query": .text("nano"), "app_id": .text("nano"),
            "check_name": .text("memory"),
        ]
        let machines = [
            debian, ["dnf", "rpm", "systemctl"], ["zypper", "rpm"], ["pacman", "ufw"],
            ["nft", "firewall-cmd"] + debian,
        ]
        for action in ActionCatalog.actions where action.isReadOnly {
            for programs in machines {
                let catalog = ActionCatalog(machine: fakeMachine(programs))
                guard let plan = try? catalog.plan(action.name, values),
                    case .run(let commands, _) = plan
                else { continue }
                for command in commands {
                    #expect(
                        !looks.isDisjoint(with: command.arguments), "\(command.arguments)")
                    #expect(command.arguments[0].hasPrefix("/usr/bin/"))
                    #expect(command.environment.count <= 8)
                }
            }
        }
    }

    @Test func statusAloneOfServiceControlIsReadOnly() {
        func control(_ operation: String) -> ActionRequest {
            ActionRequest(
                action: "ServiceControl",
                parameters: ActionParameters([
                    "service": .text("ssh"), "operation": .text(operation),
                ]))
        }
        #expect(ActionCatalog.isReadOnly(control("status")))
        #expect(!ActionCatalog.isReadOnly(control("stop")))
        #expect(!ActionCatalog.isReadOnly(ActionRequest(action: "ServiceControl")))
        #expect(ActionCatalog.isReadOnly(ActionRequest(action: "ProcessList")))
        #expect(!ActionCatalog.isReadOnly(ActionRequest(action: "NoSuchAction")))
    }

    @Test func unknownAndForeignActionsHaveTheirCodes() {
        #expect(catalog.refusal("NoSuchAction") == .unknownCommand)
        #expect(catalog.refusal("servicelist") == .unknownCommand)
        #expect(catalog.refusal("") == .unknownCommand)
        for name in ["CheckWindowsUpdates", "CheckWindowsDefender", "JoinDomain"] {
            #expect(catalog.refusal(name) == .unsupportedPlatform)
        }
        #expect(catalog.refusal("FileRead", ["path": .text("/etc/shadow")]) == .refusedByPolicy)
    }

    @Test func whatIsNotInstalledIsUnsupported() throws {
        let bare = ActionCatalog(machine: fakeMachine())
        let all = [
            "ServiceList", "PackageList", "CheckLinuxUpdates", "GetLinuxUpdateHistory",
            "CheckFirewallStatus", "GetInstalledApplicationsWMI", "SyncTime", "Shutdown", "Reboot",
            "CheckSystemIntegrity", "Freeze",
        ]
        for action in all { #expect(bare.refusal(action) == .unsupportedPlatform, "\(action)") }
        // apt-get alone is no Debian: it is there on Fedora too.
        let half = ActionCatalog(machine: fakeMachine(["apt-get", "dnf", "rpm"]))
        #expect(try half.arguments("PackageList")[0][0] == "/usr/bin/rpm")
    }

    @Test func parametersOfAnotherTypeAreRefused() {
        let wrong: [(String, [String: ActionValue])] = [
            ("ServiceControl", ["service": .integer(3), "operation": .text("stop")]),
            ("ServiceControl", ["service": .text("ssh")]),
            ("ServiceControl", ["service": .text("ssh"), "operation": .text("mask")]),
            ("PackageInstall", ["package": .text("")]), ("PackageInstall", [:]),
            ("PackageInstall", ["package": .texts(["nano", "ed"])]),
            ("ProcessKill", ["pid": .text("12")]), ("ProcessKill", ["pid": .number(12.5)]),
            ("ProcessKill", ["pid": .integer(0)]), ("ProcessKill", ["pid": .integer(-1)]),
            ("ProcessKill", ["pid": .integer(12), "signal": .text("SEGV9")]),
            ("ProcessKill", ["pid": .integer(12), "start_time": .text("yesterday")]),
            ("ProcessKill", ["pid": .integer(1 << 40)]),
            ("ProcessTop", ["sort_by": .text("name")]),
            ("ProcessList", ["limit": .integer(-1)]),
            ("CheckDiskSpace", ["warning_threshold": .number(120)]),
            ("CheckDiskSpace", ["warning_threshold": .text("80")]),
            ("RunHealthCheck", ["check_name": .text("everything")]),
            ("GetUpdateHistory", ["days": .integer(0)]),
            ("DiskCleanup", ["targets": .texts(["/home"])]),
            ("DiskCleanup", ["targets": .other]),
            ("Freeze", ["deadline": .integer(0)]), ("Freeze", ["deadline": .integer(601)]),
            ("Freeze", ["mount_points": .texts(["relative"])]),
            ("Shutdown", ["delay": .integer(-5)]),
        ]
        for (action, values) in wrong {
            #expect(catalog.refusal(action, values) == .invalidMessage, "\(action) \(values)")
        }
    }

    @Test func allShapesOfAMessageMeanTheSame() throws {
        let shapes = [
            #"{"type":"SafeCommand","id":"1","command_type":{"action":"ServiceControl","service":"ssh","operation":"stop"}}"#,
            #"{"type":"SafeCommand","id":"1","command_type":{"action":"ServiceControl","params":{"service":"ssh","operation":"stop"}},"params":null,"timeout":30}"#,
            #"{"type":"SafeCommand","id":"1","command_type":{"action":"ServiceControl"},"params":{"service":"ssh","operation":"stop"}}"#,
            #"{"type":"SafeCommand","id":"1","command_type":"ServiceControl","params":{"service":"ssh","operation":"stop"}}"#,
            #"{"type":"SafeCommand","id":"1","params":{"service":"x","operation":"start"},"command_type":{"action":"ServiceControl","service":"ssh","operation":"start","params":{"operation":"stop"}}}"#,
        ]
        for shape in shapes {
            let request = try request(shape)
            #expect(request.action == "ServiceControl")
            #expect(
                request.parameters.values == ["service": .text("ssh"), "operation": .text("stop")])
        }
        let own = try request(
            #"{"type":"Freeze","id":"9","epoch":"e","deadline":20,"mount_points":["/srv"]}"#,
            own: true)
        #expect(own.action == "Freeze")
        #expect(
            own.parameters.values == ["deadline": .integer(20), "mount_points": .texts(["/srv"])])
    }

    @Test func valuesKeepTheirTypes() throws {
        let request = try request(
            #"{"command_type":{"action":"X","a":1,"b":1.5,"c":true,"d":null,"e":["p","q"],"f":{"g":1},"h":[1]}}"#
        )
        #expect(
            request.parameters.values == [
                "a": .integer(1), "b": .number(1.5), "c": .truth(true), "e": .texts(["p", "q"]),
                "f": .other, "h": .other,
            ])
    }

    @Test func malformedRequestsAreRefused() {
        let many = (0...ActionLimits.parametersMax).map { #""p\#($0)":1"# }.joined(separator: ",")
        let long = (0...ActionLimits.listMax).map { #""\#($0)""# }.joined(separator: ",")
        let wrong = [
            #"{"id":"1"}"#, #"{"command_type":7}"#, #"{"command_type":{}}"#,
            #"{"command_type":{"action":7}}"#, #"{"command_type":"X","params":[1]}"#,
            #"{"command_type":{"action":"X","params":"y"}}"#,
            #"{"command_type":{"action":"X",\#(many)}}"#,
            #"{"command_type":{"action":"X","list":[\#(long)]}}"#,
        ]
        for json in wrong {
            #expect(throws: ActionFailure.self, "\(json.prefix(60))") { try request(json) }
        }
    }
}
