import TestSupport
import Testing
import Wire

@testable import Commands

/// Names from a host that want to be more than a name.
@Suite struct ActionInjectionTests {
    static let injected = [
        "ssh; rm -rf /", "ssh&&reboot", "ssh|sh", "$(reboot)", "`reboot`", "${IFS}", "ssh\nreboot",
        "ssh\u{0}", "\u{0}", "\n", "ssh\r", "ssh\t", " ssh", "ssh ", "a b", "../etc/passwd", "..",
        "a/../b", "/etc/passwd", "./x", "-oX", "--root=/tmp", "-", "--", "-H", "+x", "*", "ssh*",
        "?",
        "[a]", "?exact-name(x)", "~n.", "!x", "@", ".hidden", "'x'", "\"x\"", "x=1", "x<1", "x>1",
        "x,y", "%p", "x\\y", "ssh\u{7F}", "ßsh", "ѕsh", "ssh\u{202E}", "x\u{301}", "#x",
        String(repeating: "a", count: 256), "",
    ]

    private static let targets:
        [(action: String, parameter: String, others: [String: ActionValue])] =
            [
                ("ServiceControl", "service", ["operation": .text("stop")]),
                ("ServiceControl", "service", ["operation": .text("status")]),
                ("ServiceStatus", "service", [:]), ("RestartServices", "services", [:]),
                ("PackageInstall", "package", [:]), ("PackageRemove", "package", [:]),
                ("PackageUpdate", "package", [:]), ("PackageSearch", "query", [:]),
                ("GetApplicationDetails", "app_id", [:]),
                ("CheckSpecificAppUpdates", "app_id", [:]),
                ("EstimateUpdateSize", "app_id", [:]),
            ]

    @Test(arguments: injected) func anInjectedNameIsRefusedBeforeAnythingRuns(_ name: String) {
        for programs in [debian, ["dnf", "rpm", "systemctl"], ["zypper", "rpm", "systemctl"]] {
            let catalog = ActionCatalog(machine: fakeMachine(programs))
            for target in Self.targets {
                var values = target.others
                values[target.parameter] = .text(name)
                #expect(
                    catalog.refusal(target.action, values) == .invalidMessage,
                    "\(target.action) took \(name.debugDescription)")
            }
        }
    }

    @Test func aListWithOneInjectedNameIsRefusedWhole() {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        #expect(
            catalog.refusal("RestartServices", ["services": .texts(["ssh", "-x"])])
                == .invalidMessage)
    }

    @Test func aptsOwnSuffixesAreNoPartOfAName() {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        #expect(catalog.refusal("PackageInstall", ["package": .text("ssh-")]) == .invalidMessage)
    }

    /// Starting `poweroff.target` would be Shutdown by another name.
    @Test(arguments: ["poweroff.target", "tmp.mount", "user.slice", "a.scope", "b.path"])
    func otherKindsOfUnitsAreRefused(_ unit: String) {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        #expect(
            catalog.refusal(
                "ServiceControl", ["service": .text(unit), "operation": .text("start")])
                == .invalidMessage)
    }

    @Test(arguments: ["ssh", "getty@tty1", "systemd-journald.service", "a_b-c.d:e", "9p"])
    func honestNamesPass(_ name: String) throws {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        let values: [String: ActionValue] = ["service": .text(name), "operation": .text("stop")]
        let arguments = try catalog.arguments("ServiceControl", values)[0]
        #expect(arguments[arguments.count - 2] == "--")
    }

    /// Whatever passes the rules stands behind `--`, where no program takes it for an option.
    @Test func namesStandBehindADoubleDash() throws {
        let values: [String: ActionValue] = [
            "service": .text("marker"), "operation": .text("stop"), "package": .text("marker"),
            "query": .text("marker"), "app_id": .text("marker"),
        ]
        for programs in [debian, ["dnf", "rpm", "systemctl"], ["zypper", "rpm"], ["pacman"]] {
            let catalog = ActionCatalog(machine: fakeMachine(programs))
            for action in ActionCatalog.actions where action.isSupported {
                guard let plan = try? catalog.plan(action.name, values),
                    case .run(let commands, _) = plan
                else { continue }
                for command in commands {
                    let place = command.arguments.firstIndex { $0.hasPrefix("marker") }
                    guard let place else { continue }
                    #expect(
                        command.arguments[..<place].contains("--"),
                        "\(action.name): \(command.arguments)")
                }
            }
        }
    }

    @Test func randomNamesNeverReachACommandUnchecked() {
        var random = SeededRandom()
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-:")
        for _ in 0..<5000 {
            let name = String(
                (0..<(1 + random.below(6))).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 0..<128, using: &random)))
                })
            let values: [String: ActionValue] = [
                "service": .text(name), "operation": .text("stop"),
            ]
            let passed = catalog.refusal("ServiceControl", values) == nil
            if passed {
                #expect(name.allSatisfy { allowed.contains($0) }, "seed \(random.seed): \(name)")
                #expect(!name.hasPrefix("-") && !name.contains(".."))
            }
        }
    }
}
