import Doctor
import Port
import Testing

@Suite struct GuestTests {
    @Test func aHealthyGuestHasNothingWrongAndNothingToNote() {
        let report = Doctor.examine(healthyGuest())
        #expect(report.isHealthy)
        #expect(report.findings.allSatisfy { $0.severity == .ok && $0.remedy == nil })
        let checks: [Finding.Check] = [
            .driver, .port, .link, .access, .holder, .host, .engine, .lockedMemory, .service,
            .watchdog, .clock, .configuration, .roundTrip,
        ]
        #expect(report.findings.map(\.check) == checks)
    }

    /// A fault, the checks that must find it, and words that the first one's remedy must have.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let wrong: [Finding.Check]
        let remedy: String
        let plant: @Sendable (inout GuestView) -> Void
        var testDescription: String { name }
    }

    static let faults = [
        Fault(name: "module not loaded", wrong: [.driver], remedy: "modprobe virtio_console") {
            $0.driver = .notLoaded
        },
        Fault(name: "no such module", wrong: [.driver], remedy: "CONFIG_VIRTIO_CONSOLE") {
            $0.driver = .missing
        },
        Fault(name: "no controller", wrong: [.port], remedy: "vireo config libvirt --name org.inf")
        {
            $0.ports = []
            $0.hasController = false
        },
        Fault(name: "no port", wrong: [.port], remedy: "vireo config libvirt --name org.inf") {
            $0.ports = []
        },
        Fault(name: "wrong name only", wrong: [.port], remedy: "vireod --name NAME") {
            $0.changePort { $0.name = "org.qemu.guest_agent.0" }
        },
        Fault(name: "not our driver's node", wrong: [.port], remedy: "/dev/virtio-ports") {
            $0.changePort {
                $0.problem = .notAVirtioPort(path: "/dev/vport1p1", why: "another driver's")
            }
        },
        Fault(name: "mode 0600", wrong: [.access], remedy: #"MODE="0660""#) {
            $0.changePort { $0.mode = 0o600 }
            $0.changePort { $0.group = "root" }
        },
        Fault(name: "group root", wrong: [.access], remedy: "udevadm trigger") {
            $0.changePort { $0.group = "root" }
        },
        Fault(name: "unit without the group", wrong: [.access], remedy: "SupplementaryGroups=") {
            $0.changeUnit { $0.groups = ["vireo"] }
        },
        Fault(name: "mode 0666", wrong: [.access], remedy: "chmod o-rw /dev/vport1p1") {
            $0.changePort { $0.mode = 0o666 }
        },
        Fault(name: "no node", wrong: [.access], remedy: "devtmpfs") {
            $0.changePort { $0.mode = nil }
        },
        Fault(name: "no udev link", wrong: [.link], remedy: "udevadm trigger") { $0.links = [] },
        Fault(name: "held by another", wrong: [.holder], remedy: "sudo kill 77") {
            $0.changePort { $0.holder = PortHolder(pid: 77, command: "cat") }
        },
        Fault(name: "held by a second agent", wrong: [.holder], remedy: "sudo kill 77") {
            $0.changePort { $0.holder = PortHolder(pid: 77, command: "vireod") }
        },
        Fault(name: "io_uring disabled", wrong: [.engine], remedy: "kernel.io_uring_disabled=0") {
            $0.engine.disabledSetting = 2
            $0.engine.refusal = "io_uring_setup failed: EPERM"
        },
        Fault(name: "io_uring for a group", wrong: [.engine], remedy: "VIREO_ENGINE=epoll") {
            $0.engine.disabledSetting = 1
        },
        Fault(name: "io_uring refused", wrong: [.engine], remedy: "container profile") {
            $0.engine.refusal = "io_uring_setup failed: EPERM"
        },
        Fault(name: "unit refuses io_uring", wrong: [.engine], remedy: "SystemCallFilter") {
            $0.changeUnit { $0.statusText = "waiting for a host on x, engine epoll, sent 0 frames" }
        },
        Fault(name: "memlock too small", wrong: [.lockedMemory], remedy: "LimitMEMLOCK=8M") {
            $0.lockedMemory.limitBytes = 65_536
        },
        Fault(name: "service failed", wrong: [.service], remedy: "systemctl reset-failed") {
            $0.changeUnit {
                $0.activeState = "failed"
                $0.result = "exit-code"
                $0.exitStatus = 78
                $0.mainPID = 0
            }
            $0.changePort { $0.holder = nil }
        },
        Fault(name: "service inactive", wrong: [.service], remedy: "systemctl enable --now") {
            $0.changeUnit { $0.activeState = "inactive" }
            $0.changePort { $0.holder = nil }
        },
        Fault(name: "service restarting", wrong: [.service], remedy: "journalctl -u vireod") {
            $0.changeUnit { $0.activeState = "activating" }
            $0.changePort { $0.holder = nil }
        },
        Fault(name: "service masked", wrong: [.service], remedy: "systemctl unmask") {
            $0.changeUnit {
                $0.loadState = "masked"
                $0.activeState = "inactive"
            }
            $0.changePort { $0.holder = nil }
        },
        Fault(name: "not installed", wrong: [.service], remedy: "apt install ./vireo_") {
            $0.service = .known(UnitView(parsing: "LoadState=not-found\nActiveState=inactive\n"))
            $0.changePort { $0.holder = nil }
        },
        Fault(name: "no watchdog", wrong: [.watchdog], remedy: "WatchdogSec=") {
            $0.changeUnit { $0.watchdog = nil }
        },
        Fault(name: "clock of 1970", wrong: [.clock], remedy: "timedatectl set-ntp true") {
            $0.clock.millisecondsSince1970 = 12_000
        },
        Fault(name: "config broken", wrong: [.configuration], remedy: "vireo config validate") {
            $0.configuration = .invalid(["/etc/vireo/config.yaml:3: no key 'intervall'"])
        },
    ]

    @Test(arguments: faults)
    func aPlantedFaultIsFoundAloneAndItsRemedyIsSaid(_ fault: Fault) throws {
        var view = healthyGuest()
        fault.plant(&view)
        let report = Doctor.examine(view)
        #expect(!report.isHealthy)
        #expect(report.wrong == fault.wrong)
        let check = try #require(fault.wrong.first)
        let finding = try #require(report[check])
        let remedy = try #require(finding.remedy)
        #expect(remedy.contains(fault.remedy), "\(remedy)")
    }

    @Test func whatIsMeantIsNotWrong() {
        // Epoll because somebody said so, with the little memory that it needs.
        var view = healthyGuest()
        view.engine.choice = .epoll
        view.engine.disabledSetting = 2
        view.engine.refusal = "io_uring_setup failed: EPERM"
        view.lockedMemory.limitBytes = 0
        #expect(Doctor.examine(view).isHealthy)
        // An agent that was started by hand, with the service off: only that is told.
        view = healthyGuest()
        view.changeUnit { $0.activeState = "inactive" }
        #expect(Doctor.examine(view).wrong == [.service])
        // Root needs no group and no limit.
        view = healthyGuest()
        view.changeUnit { $0.user = "" }
        view.ports[0].mode = 0o600
        view.ports[0].group = "root"
        view.lockedMemory.limitBytes = 65_536
        #expect(Doctor.examine(view).isHealthy)
    }

    @Test func anAbsentHostIsNotedAndByWhomItIsKnown() throws {
        var view = healthyGuest()
        view.ports[0].isHostConnected = false
        var host = try #require(Doctor.examine(view)[.host])
        #expect(host.severity == .note && host.seen.contains("debugfs"))
        #expect(try #require(host.remedy).contains("vireo host watch"))
        // Without the driver's word the agent's counts.
        view.ports[0].isHostConnected = nil
        view.changeUnit { $0.statusText = "waiting for a host on /dev/vport1p1, engine uring" }
        host = try #require(Doctor.examine(view)[.host])
        #expect(host.severity == .note && host.seen.contains("agent's status"))
        // Without either it is not known, and nothing is opened to find out.
        view.changeUnit { $0.statusText = "" }
        host = try #require(Doctor.examine(view)[.host])
        #expect(host.severity == .note && host.seen.contains("not known"))
        #expect(Doctor.examine(view).isHealthy)
    }

    @Test func aHostThatNeverSpokeIsNotedByWhatTheAgentCounted() throws {
        var view = healthyGuest()
        view.changeUnit {
            $0.statusText =
                "host connected on x, engine uring, sent 9 frames, received 0, dropped 0"
        }
        let finding = try #require(Doctor.examine(view)[.roundTrip])
        #expect(finding.severity == .note)
        #expect(finding.seen.contains("sent 9 frames, the host 0"))
    }

    @Test func anUnprivilegedDoctorSaysWhatItCannotSee() throws {
        var view = healthyGuest()
        view.isRoot = false
        view.ports[0].holder = nil
        view.ports[0].isHostConnected = nil
        view.ports[0].isGuestConnected = nil
        view.changeUnit { $0.statusText = "" }
        let report = Doctor.examine(view)
        #expect(report.isHealthy)
        for check in [Finding.Check.holder, .host] {
            #expect(report[check]?.severity == .note)
            #expect(report[check]?.remedy?.contains("sudo vireo doctor") == true)
        }
    }

    @Test func everyProblemHasARemedyWhateverIsWrongAtOnce() {
        // All pairs of faults: no check relies on another one's being fine.
        for first in Self.faults {
            for second in Self.faults {
                var view = healthyGuest()
                first.plant(&view)
                second.plant(&view)
                let report = Doctor.examine(view)
                #expect(!report.isHealthy, "\(first.name), \(second.name)")
                for finding in report.findings where finding.severity == .problem {
                    #expect(finding.remedy?.isEmpty == false, "\(first.name), \(second.name)")
                }
            }
        }
    }
}
