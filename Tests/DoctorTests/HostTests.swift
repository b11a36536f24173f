import Doctor
import Foundation
import Kernel
import Testing
import Wire

@Suite struct HostTests {
    @Test func aSocketWithAnAgentBehindItHasNothingWrong() {
        let report = Doctor.examine(healthyHost())
        #expect(report.findings.allSatisfy { $0.severity == .ok })
        #expect(
            report.findings.map(\.check) == [
                .socket, .listener, .monitor, .port, .client, .agent,
            ])
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let wrong: [Finding.Check]
        /// Words that the last finding must say, and its remedy.
        let seen: String
        let remedy: String
        let plant: @Sendable (inout HostView) -> Void
        var testDescription: String { name }
    }

    static let faults = [
        Fault(name: "missing", wrong: [.socket], seen: "there is no", remedy: "vireo config qemu") {
            $0.socket = .missing
            $0.monitor = nil
            $0.attachment = .notTried
        },
        Fault(name: "a file", wrong: [.socket], seen: "no socket", remedy: "-chardev socket") {
            $0.socket = .notASocket
            $0.monitor = nil
            $0.attachment = .notTried
        },
        Fault(name: "another user's", wrong: [.socket], seen: "may not connect", remedy: "sudo") {
            $0.socket = .present(mode: 0o700, owner: 107, mayConnect: false)
            $0.monitor = nil
            $0.attachment = .notTried
        },
        Fault(name: "stale", wrong: [.listener], seen: "stale", remedy: "rm /run/vm/web.sock") {
            $0.monitor = nil
            $0.connections.hasListener = false
            $0.attachment = .refused(.connectionRefused)
        },
        Fault(name: "busy, by the monitor", wrong: [.client], seen: "busy, not dead", remedy: "ss")
        {
            $0.monitor = monitor(isAttached: true, isOpen: true)
            $0.attachment = .notTried
        },
        Fault(name: "busy, by the kernel", wrong: [.client], seen: "busy, not dead", remedy: "ss") {
            $0.monitor = nil
            $0.connections.served = 1
            $0.attachment = .notTried
        },
        Fault(name: "silent, nothing known", wrong: [.agent], seen: "busy", remedy: "--qmp") {
            $0.monitor = nil
            $0.connections.hasListener = false
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(name: "silent, not busy", wrong: [.agent], seen: "no agent, or a", remedy: "--qmp") {
            $0.monitor = nil
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(name: "no chardev", wrong: [.port, .agent], seen: "no agent", remedy: "sudo vireo d")
        {
            $0.monitor = .known(chardevs: [], ports: [])
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(
            name: "no port", wrong: [.port, .agent], seen: "no agent", remedy: "sudo vireo doctor"
        ) {
            $0.monitor = monitor(isAttached: false, isOpen: false, hasPort: false)
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(name: "port closed", wrong: [.port, .agent], seen: "no agent", remedy: "journalctl") {
            $0.monitor = monitor(isAttached: false, isOpen: false)
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(name: "silent agent", wrong: [.agent], seen: "silent agent", remedy: "journalctl -u")
        {
            $0.attachment = .silent(milliseconds: 3000)
        },
        Fault(name: "another agent", wrong: [.agent], seen: "QMP", remedy: "org.infinibay.agent") {
            $0.attachment = .other("{\"QMP\": {}}")
        },
        Fault(name: "a lost queue", wrong: [.port], seen: "all 128 slots", remedy: "unbind") {
            $0.monitor = monitor(
                isAttached: false, isOpen: true, output: OutputQueue(slots: 128, lost: 128))
        },
        Fault(name: "no monitor", wrong: [.monitor], seen: "does not answer", remedy: "-qmp unix:")
        {
            $0.monitor = .failed("ENOENT")
        },
    ]

    static func monitor(
        isAttached: Bool, isOpen: Bool, hasPort: Bool = true, output: OutputQueue? = nil
    ) -> MonitorView {
        let filename = (isAttached ? "" : "disconnected:") + "unix:/run/vm/web.sock,server=on"
        return .known(
            chardevs: [
                ChardevView(label: "c0", filename: filename, isFrontendOpen: isOpen)
            ],
            ports: hasPort
                ? [
                    MonitorPort(
                        identity: "p0", name: "org.infinibay.agent", chardev: "c0", output: output)
                ] : [])
    }

    @Test(arguments: [0, 1, 127])
    func aQueueThatHasSlotsLeftIsWellAndLostOnesAreTold(_ lost: UInt64) throws {
        var view = healthyHost()
        view.monitor = Self.monitor(
            isAttached: false, isOpen: true, output: OutputQueue(slots: 128, lost: lost))
        let report = Doctor.examine(view)
        #expect(report.wrong.isEmpty)
        let seen = try #require(report[.port]).seen
        #expect(seen.contains("lost \(lost) of 128 slots") == (lost > 0), "\(seen)")
    }

    @Test(arguments: faults)
    func aPlantedFaultIsFoundAndWhichItIs(_ fault: Fault) throws {
        var view = healthyHost()
        fault.plant(&view)
        let report = Doctor.examine(view)
        #expect(report.wrong == fault.wrong)
        let check = try #require(fault.wrong.last)
        let finding = try #require(report[check])
        #expect(finding.seen.contains(fault.seen), "\(finding.seen)")
        #expect(try #require(finding.remedy).contains(fault.remedy), "\(finding.remedy ?? "")")
    }

    @Test func theReportIsOneObjectThatHoldsEveryFinding() throws {
        var view = healthyHost()
        view.attachment = .other("\u{1b}[2J\"quoted\"\u{0}")
        let report = Doctor.examine(view)
        #expect(report.json.hasSuffix("}\n"))
        #expect(!report.json.dropLast().contains { $0.isNewline || $0 == "\u{1b}" })
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
        #expect(object["healthy"] as? Bool == false)
        #expect(object["problems"] as? Int == 1)
        #expect(object["side"] as? String == "host")
        let findings = try #require(object["findings"] as? [[String: Any]])
        #expect(findings.count == report.findings.count)
        for (finding, entry) in zip(report.findings, findings) {
            #expect(entry["check"] as? String == finding.check.rawValue)
            #expect(entry["severity"] as? String == finding.severity.rawValue)
            #expect(entry["seen"] as? String == finding.seen)
            #expect(entry["remedy"] as? String == finding.remedy)
        }
    }
}
