import Foundation
import Testing
import Wire

@testable import Commands

/// Answers fit in a frame, and say what gave way.
@Suite struct ActionAnswerTests {
    private func processes(_ count: Int, commandLine: String) -> MetricsSample {
        var sample = MetricsSample()
        sample.processes = (0..<count).map { number in
            var process = ProcessSample()
            process.pid = UInt32(number + 10)
            process.parentPID = 1
            process.name = "worker"
            process.commandLine = commandLine
            process.cpuPercent = Double(number % 100)
            process.memoryKiB = UInt64((number * 7919) % 10_007)
            process.status = "sleeping"
            process.startedWallMilliseconds = 1_795_521_000_000
            return process
        }
        return sample
    }

    @Test func processesAreSortedCutAndPrinted() throws {
        let catalog = ActionCatalog(
            machine: fakeMachine(sample: processes(500, commandLine: "worker --quiet")))
        let all = try catalog.answer("ProcessList", ["limit": .integer(0)])
        #expect(all.commandType == "ProcessList")
        let listed = try rows(all, "processes")
        #expect(listed.count == 500)
        #expect(listed.first?["pid"] as? Int == 10)
        let printed = try JSONSerialization.jsonObject(with: Data(all.standardOutput.utf8))
        #expect((printed as? [[String: Any]])?.count == 500)
        #expect(try rows(catalog.answer("ProcessList"), "processes").count == 200)
        let top = try catalog.answer(
            "ProcessTop", ["limit": .integer(3), "sort_by": .text("memory")])
        #expect(top.commandType == "ProcessTop")
        let memory = try rows(top, "processes").compactMap { $0["memory_kb"] as? Int }
        #expect(memory.count == 3 && memory == memory.sorted(by: >) && memory[0] > 9_900)
        let busiest = try rows(catalog.answer("ProcessTop"), "processes")
        let use = busiest.compactMap { $0["cpu_usage"] as? Double }
        #expect(use == [99, 99, 99, 99, 99, 98, 98, 98, 98, 98])
    }

    /// Quotes double in standard output, control characters take six bytes, tokens are counted too.
    @Test(arguments: ["short", "\"\\\"\\", "\u{1}\u{2}\u{3}", "äöü€"]) func rowsGiveWay(
        _ text: String
    )
        throws
    {
        let line = String(repeating: text, count: 60)
        let catalog = ActionCatalog(
            machine: fakeMachine(sample: processes(8000, commandLine: line)))
        let answer = try catalog.answer("ProcessList", ["limit": .integer(0)])
        let bytes = try #require(frameBytes(answer), "it does not fit in a frame")
        let kept = try rows(answer, "processes").count
        let dropped = try #require(try data(answer)["rows_dropped"] as? Int)
        #expect(kept + dropped == 8000 && dropped > 0 && kept > 100)
        #expect(bytes > WireLimits.frameBytesMax / 3, "more would have fitted: \(bytes)")
        let printed = try JSONSerialization.jsonObject(with: Data(answer.standardOutput.utf8))
        #expect((printed as? [Any])?.count == kept)
        // Our own reader takes it.
        var response = CommandResponse(
            id: "1", success: true, commandType: "safe", wallMilliseconds: 0)
        response.stdout = answer.standardOutput
        response.dataJSON = answer.dataJSON
        let frame = try #require(
            JSONText.written(bytesMax: WireLimits.frameBytesMax) { writer in
                writer.beginObject()
                response.encodeMembers(into: &writer)
                writer.endObject()
            })
        var parser = try JSONParser()
        let utf8 = Array(frame.utf8)
        #expect(throws: Never.self) { try parser.parse(RawSpan(_elements: utf8.span)) }
    }

    @Test func packagesBeyondAFrameAreCounted() throws {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        let line =
            "ii \tname\t1.0\tamd64\t12\tSomebody\t" + String(repeating: "s", count: 200) + "\n"
        let answer = try catalog.answer(
            "PackageList", [:], [printed(String(repeating: line, count: 9000))])
        #expect(frameBytes(answer) != nil)
        let kept = try rows(answer, "packages").count
        #expect(try data(answer)["rows_dropped"] as? Int == 9000 - kept)
        #expect(try data(answer)["count"] as? Int == 9000)
    }

    @Test func whatAProgramPrintedIsCutFromItsStart() throws {
        let catalog = ActionCatalog(machine: fakeMachine(debian))
        let noise = String(repeating: "\u{1}€", count: 100_000) + "E: the reason"
        let answer = try catalog.answer(
            "PackageInstall", ["package": .text("nano")],
            [printed(noise, exitCode: 100, errors: noise)])
        #expect(frameBytes(answer) != nil)
        #expect(answer.standardError.hasSuffix("E: the reason"))
        #expect(answer.standardError.utf8.count <= ActionLimits.echoedBytesMax)
    }

    @Test func textIsCutBetweenCharacters() {
        #expect("a€b".cut(toBytes: 3) == "b")
        #expect("a€b".cut(toBytes: 4) == "€b")
        #expect("a€b".cut(toBytes: 5) == "a€b")
        #expect("€".cut(toBytes: 0) == "")
    }

    @Test func healthIsTheWorstOfItsChecks() throws {
        var sample = MetricsSample()
        var row = FileSystemSample()
        row.mountPoint = "/"
        row.usedBytes = 85
        row.availableBytes = 15
        row.totalBytes = 110
        row.inodes = 100
        row.inodesUsed = 95
        sample.fileSystems = [row]
        var memory = MemorySample()
        memory.totalKiB = 1000
        memory.usedKiB = 100
        sample.memory = memory
        let catalog = ActionCatalog(
            machine: fakeMachine(files: ["/run/reboot-required": ""], sample: sample))
        func status(_ check: String) throws -> String? {
            let answer = try catalog.answer("RunHealthCheck", ["check_name": .text(check)])
            return try rows(answer, "checks").first?["status"] as? String
        }
        #expect(try status("disk_space") == "warning")
        #expect(try status("inodes") == "critical")
        #expect(try status("memory") == "healthy")
        #expect(try status("reboot_required") == "warning")
        let all = try catalog.answer("RunAllHealthChecks")
        #expect(try data(all)["overall_status"] as? String == "critical")
        #expect(try rows(all, "checks").count == HealthCheck.names.count)
        let disks = try catalog.answer(
            "CheckDiskSpace",
            ["warning_threshold": .integer(50), "critical_threshold": .number(85)])
        #expect(try rows(disks, "disks").first?["status"] as? String == "critical")
    }

    @Test func securityIsReadFromFiles() throws {
        var record = [UInt8](repeating: 0, count: LoginRecord.bytes)
        record[0] = 6
        for (place, byte) in "root".utf8.enumerated() { record[44 + place] = byte }
        for (place, byte) in "192.0.2.9".utf8.enumerated() { record[76 + place] = byte }
        let now: Int64 = 1_795_521_600
        func at(_ seconds: Int64) -> [UInt8] {
            var record = record
            for place in 0..<4 { record[340 + place] = UInt8(seconds >> (8 * place) & 255) }
            return record
        }
        let machine = fakeMachine(
            files: [
                "/sys/kernel/security/lsm": "lockdown,capability,apparmor\n",
                "/sys/module/apparmor/parameters/enabled": "Y\n",
                "/etc/apt/apt.conf.d/20auto-upgrades":
                    "APT::Periodic::Update-Package-Lists \"1\";\n  APT::Periodic::Unattended-Upgrade \"1\";\n",
                "/sys/devices/system/cpu/vulnerabilities/mds": "Mitigation: Clear CPU buffers\n",
            ],
            // The first bytes are the end of a record that the read cut.
            bytes: ["/var/log/btmp": [1, 2, 3] + at(now - 90_000) + at(now - 60)],
            folders: [
                "/etc/apt/apt.conf.d": ["20auto-upgrades"],
                "/sys/devices/system/cpu/vulnerabilities": ["mds"],
            ])
        let answer = try ActionCatalog(machine: machine).answer("GetLinuxSecurityStatus")
        let members = try data(answer)
        #expect(members["apparmor_enabled"] as? Bool == true)
        #expect(members["selinux"] as? String == "disabled")
        #expect(members["automatic_updates"] as? Bool == true)
        #expect(members["failed_logins_24h"] as? Int == 1)
        let failed = try #require(members["failed_logins"] as? [[String: Any]])
        #expect(failed.first?["host"] as? String == "192.0.2.9")
        #expect((members["cpu_vulnerabilities"] as? [String: String])?["mds"] != nil)
        let bare = try ActionCatalog(machine: fakeMachine()).answer("CheckLinuxSecurity")
        #expect(try data(bare)["failed_logins_24h"] is NSNull, "unreadable is not none")
    }

    @Test func usersComeWithTheirSessions() throws {
        var session = [UInt8](repeating: 0, count: LoginRecord.bytes)
        session[0] = 7
        for (place, byte) in "pts/0".utf8.enumerated() { session[8 + place] = byte }
        for (place, byte) in "operator".utf8.enumerated() { session[44 + place] = byte }
        let passwd = """
            root:x:0:0:root:/root:/bin/bash
            daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
            operator:x:1000:1000:The Operator,,,:/home/operator:/bin/zsh
            broken:x:1
            """
        let catalog = ActionCatalog(machine: fakeMachine(["getent"], bytes: ["/run/utmp": session]))
        let users = try rows(catalog.answer("UserList", [:], [printed(passwd)]), "users")
        #expect(users.count == 3)
        let person = try #require(users.last)
        #expect(person["full_name"] as? String == "The Operator")
        #expect((person["sessions"] as? [[String: Any]])?.first?["terminal"] as? String == "pts/0")
        #expect(users[1]["can_log_in"] as? Bool == false && users[1]["is_system"] as? Bool == true)
    }

    @Test func theSystemNamesItself() throws {
        var sample = MetricsSample()
        var system = SystemSample()
        system.hostname = "guest"
        system.kernelVersion = "6.1.0"
        sample.system = system
        let release =
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n"
        let catalog = ActionCatalog(
            machine: fakeMachine(files: ["/etc/os-release": release], sample: sample))
        let os = try data(try catalog.answer("OsInfo"))
        #expect(os["id"] as? String == "debian" && os["kernel_version"] as? String == "6.1.0")
        #expect((os["os_release"] as? [String: String])?["version_id"] == "12")
        #expect(try data(try catalog.answer("SystemInfo"))["hostname"] as? String == "guest")
    }
}
