import Foundation
import Glibc
import Kernel
import Testing
import Wire

@testable import Commands
@testable import Freezing

/// Which file systems are frozen, in which order, and what is said of it.
@Suite struct ActionFreezeOrderTests {
    private let table = """
        22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
        23 22 0:21 / /proc rw,nosuid - proc proc rw
        24 22 0:22 / /run rw,nosuid shared:5 master:2 - tmpfs tmpfs rw,size=1000k
        25 22 254:2 / /srv rw,relatime - xfs /dev/vda2 rw,attr2
        26 25 254:3 / /srv/data\\040one rw,relatime - ext4 /dev/vdb1 rw
        27 22 254:4 / /media/cd ro,relatime - iso9660 /dev/sr0 ro
        28 22 254:1 /var/lib/x /mnt/bind rw - ext4 /dev/vda1 rw
        29 22 7:0 / /mnt/loop rw - ext4 /dev/loop0 rw
        30 22 7:1 / /l rw - ext4 /dev/loop1 rw
        31 22 0:40 / /net rw - nfs4 server:/export rw
        32 22 254:5 / /ro ro,relatime - ext4 /dev/vdc1 rw
        garbage
        33 22 254:9
        """

    private func order(_ points: Set<String> = []) -> [String] {
        let files = ["loop0": "/srv/image", "loop1": "/mnt/loop/inner"]
        return BlockMount.inFreezingOrder(BlockMount.parse(table), points: points) { files[$0] }
            .map(\.point)
    }

    @Test func onlyWritableFileSystemsOfDisksAreFrozen() {
        let points = Set(BlockMount.parse(table).map(\.point))
        #expect(
            points == [
                "/", "/srv", "/srv/data one", "/mnt/bind", "/mnt/loop", "/l", "/ro",
            ])
    }

    /// A loop device's flush writes to the file system that holds its file.
    @Test func theDeepestAndThoseInFilesComeFirst() {
        #expect(order() == ["/l", "/mnt/loop", "/srv/data one", "/ro", "/srv", "/"])
    }

    @Test func aFileSystemIsFrozenOnceThroughItsRoot() {
        #expect(!order().contains("/mnt/bind"))
        #expect(order(["/mnt/bind"]) == ["/mnt/bind"])
        #expect(order(["/srv", "/nosuch"]) == ["/srv"])
    }

    @Test func requestsSurviveTheSocket() {
        let freeze = FreezeRequest(deadlineSeconds: 30, points: ["/srv/a b", "/srv/ö\n"])
        #expect(FreezeRequest(freeze.bytes) == freeze)
        let thaw = FreezeRequest(deadlineSeconds: nil)
        #expect(FreezeRequest(thaw.bytes) == thaw)
        for wrong in ["", "\0\0", "freeze\0\0", "freeze\0x\0\0", "freeze\0601\0\0", "thaw\0x\0\0"] {
            #expect(FreezeRequest(Array(wrong.utf8)) == nil, "\(wrong.debugDescription)")
        }
    }

    @Test func reportsAreRead() throws {
        let report = FreezeReport(
            printed("frozen /srv/a b\nskipped /boot/efi EOPNOTSUPP\nfrozen /\ndone\n"))
        #expect(report.changed == ["/srv/a b", "/"] && report.isDone)
        #expect(report.skipped == ["/boot/efi EOPNOTSUPP"])
        let failed = FreezeReport(printed("failed /srv: it is frozen already\n", exitCode: 69))
        #expect(!failed.isDone && failed.reason == "/srv: it is frozen already")
        // Without its last line the answer was cut off.
        #expect(!FreezeReport(printed("frozen /\n")).isDone)
        #expect(!FreezeReport(nil).isDone)
        #expect(!FreezeReport(CommandOutput(outcome: .timedOut)).isDone)
    }

    @Test func theProgramRefusesWhatItDoesNotKnow() {
        for wrong in [
            [], ["freeze"], ["freeze", "--holder", "x"], ["thaw", "--holder"], ["hold"],
            ["hold", "a", "b"],
            ["freeze", "--holder", "x", "--deadline", "0"], ["thaw", "now"],
            ["freeze", "--holder", "x", "--deadline", "10", "/srv"],
        ] {
            #expect(FreezeCommand.run(wrong) == EX_USAGE, "\(wrong)")
        }
    }
}

/// A file system in a file, mounted by a loop device: only where that is allowed.
private final class ScratchFileSystem {
    let folder: String
    var point: String { folder + "/mnt" }

    /// `nil` where a process may not mount.
    init?() {
        guard geteuid() == 0 else { return nil }
        folder = "/tmp/vireo-freeze-\(UUID().uuidString)"
        let made =
            Self.run("/bin/mkdir", ["-p", folder + "/mnt"])
            && Self.run("/bin/dd", ["if=/dev/zero", "of=\(folder)/image", "bs=1M", "count=8"])
            && Self.run("/sbin/mkfs.ext4", ["-q", "-F", folder + "/image"])
            && Self.run("/bin/mount", ["-o", "loop", folder + "/image", point])
        guard made else {
            _ = Self.run("/bin/rm", ["-rf", folder])
            return nil
        }
    }

    deinit {
        // A test that failed must not leave it frozen: the unmount would hang.
        if let descriptor = try? Kernel.FileDescriptor.open(point, .directory) {
            try? descriptor.thawFileSystem()
        }
        // A writer that just goes on may still have a file open.
        _ = Self.run("/bin/umount", [point]) || Self.run("/bin/umount", ["--lazy", point])
        _ = Self.run("/bin/rm", ["-rf", folder])
    }

    static func run(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// A process that writes, which waits as long as the file system is frozen.
    func writer() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "echo x >> '\(point)/file'"]
        try process.run()
        return process
    }

    /// Whether a write waits: a frozen file system holds it up for as long as anybody looks.
    func isFrozen() throws -> Bool {
        guard let descriptor = try? Kernel.FileDescriptor.open(point, .directory) else {
            return false
        }
        // A second FIFREEZE of what is frozen says EBUSY and changes nothing.
        do throws(Errno) {
            try descriptor.freezeFileSystem()
        } catch {
            return error == .busy
        }
        try descriptor.thawFileSystem()
        return false
    }

    /// Waits until it is as expected, at most `seconds`.
    func becomes(frozen: Bool, within seconds: Double) throws -> Bool {
        let end = MonotonicTime.now.adding(milliseconds: UInt64(seconds * 1000))
        while try isFrozen() != frozen {
            guard MonotonicTime.now < end else { return false }
            usleep(10_000)
        }
        return true
    }
}

@Suite(.serialized, .enabled(if: ScratchFileSystem() != nil, "needs root and a loop device"))
struct ActionFreezeTests {
    private static var program: String {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""
        return URL(filePath: bundle).deletingLastPathComponent().path + "/vireo-freeze"
    }

    private let scratch: ScratchFileSystem
    private let catalog: ActionCatalog

    init() throws {
        scratch = try #require(ScratchFileSystem())
        catalog = ActionCatalog(machine: .live(freezeProgram: Self.program))
    }

    /// Runs what is planned the way the service does: by argument vector, environment emptied.
    private func perform(_ plan: ActionPlan) throws -> ActionAnswer {
        guard case .run(let commands, let finish) = plan else {
            Issue.record("nothing is run")
            throw ActionFailure(code: .commandFailed, reason: "")
        }
        return try finish(
            commands.map { command in
                let process = Process()
                let output = Pipe()
                process.executableURL = URL(filePath: command.arguments[0])
                process.arguments = Array(command.arguments.dropFirst())
                process.environment = command.environment
                process.standardOutput = output
                try process.run()
                let bytes = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return CommandOutput(
                    outcome: .exited, exitCode: process.terminationStatus,
                    standardOutput: [UInt8](bytes))
            })
    }

    private func freeze(_ seconds: Int64) throws -> ActionAnswer {
        try perform(
            catalog.plan(
                "Freeze",
                ["deadline": .integer(seconds), "mount_points": .texts([scratch.point])]))
    }

    @Test func writesWaitFromTheFreezeToTheThaw() throws {
        let frozen = try freeze(60)
        #expect(frozen.success)
        #expect(try data(frozen)["mount_points"] as? [String] == [scratch.point])
        #expect(try scratch.isFrozen())
        #expect(catalog.machine.freezer.holderPID != nil)
        let writer = try scratch.writer()
        usleep(200_000)
        #expect(writer.isRunning, "a write went through")
        // What would write is refused meanwhile, what looks is not.
        #expect(catalog.refusal("PackageInstall", ["package": .text("nano")]) == .busy)
        #expect(catalog.refusal("Freeze") == .busy)
        #expect(catalog.refusal("SystemInfo") == nil)
        let thawed = try perform(catalog.plan("Thaw"))
        #expect(try data(thawed)["mount_points"] as? [String] == [scratch.point])
        writer.waitUntilExit()
        #expect(writer.terminationStatus == 0)
        #expect(catalog.refusal("Thaw") == nil)
    }

    @Test func theDeadlineThawsByItself() throws {
        #expect(try freeze(1).success)
        #expect(try scratch.isFrozen())
        #expect(try scratch.becomes(frozen: false, within: 3))
        let end = MonotonicTime.now.adding(milliseconds: 2000)
        while catalog.machine.freezer.isFrozen, MonotonicTime.now < end { usleep(10_000) }
        #expect(catalog.machine.freezer.holderPID == nil)
    }

    /// The end of the life line is what a SIGKILL of the agent looks like to the holder.
    @Test func theAgentsEndThaws() throws {
        #expect(try freeze(60).success)
        catalog.machine.freezer.end()
        #expect(try scratch.becomes(frozen: false, within: 2))
        // And the next freeze has a holder of its own.
        #expect(try freeze(60).success)
        #expect(try perform(catalog.plan("Thaw")).success)
    }

    /// A real SIGKILL of the process that started the holder, while frozen.
    @Test func aKilledParentThaws() throws {
        let name = "vireo-freeze-test-\(UUID().uuidString)"
        let parent = Process()
        parent.executableURL = URL(filePath: "/usr/bin/python3")
        parent.arguments = [
            "-c",
            """
            import os, socket, subprocess, sys, time
            ends = socket.socketpair()
            near, far = [os.dup(end.fileno()) for end in ends]
            for end in ends: end.close()
            os.dup2(far, 3, inheritable=True)
            os.close(far)
            subprocess.Popen(sys.argv[1:], pass_fds=[3], stdout=subprocess.DEVNULL)
            os.close(3)
            time.sleep(600)
            """, Self.program, "hold", name,
        ]
        try parent.run()
        defer { kill(parent.processIdentifier, SIGKILL) }
        let client = Process()
        client.executableURL = URL(filePath: Self.program)
        client.arguments = ["freeze", "--holder", name, "--deadline", "60", "--", scratch.point]
        client.standardOutput = FileHandle.nullDevice
        try client.run()
        client.waitUntilExit()
        try #require(client.terminationStatus == 0)
        #expect(try scratch.isFrozen())
        kill(parent.processIdentifier, SIGKILL)
        #expect(try scratch.becomes(frozen: false, within: 2))
    }

    /// A holder that was itself killed leaves the thaw to the program's other mode. The mounts of
    /// this machine that nobody froze are left as they are.
    @Test func thawingWithoutAHolderThaws() throws {
        let descriptor = try Kernel.FileDescriptor.open(scratch.point, .directory)
        try descriptor.freezeFileSystem()
        let arguments = try catalog.arguments("Thaw")
        #expect(arguments == [[Self.program, "thaw"]])
        let answer = try perform(catalog.plan("Thaw"))
        #expect(try data(answer)["mount_points"] as? [String] == [scratch.point])
        #expect(try !scratch.isFrozen())
    }

    @Test func whatIsNoMountPointIsNamed() throws {
        do {
            _ = try perform(
                catalog.plan("Freeze", ["mount_points": .texts([scratch.point, "/nosuch"])]))
            Issue.record("it was frozen")
        } catch let error as ActionFailure {
            #expect(error.reason.contains("/nosuch"))
        }
        #expect(try !scratch.isFrozen())
    }

    @Test func whatSomebodyElseFrozeStaysTheirs() throws {
        let descriptor = try Kernel.FileDescriptor.open(scratch.point, .directory)
        try descriptor.freezeFileSystem()
        #expect(throws: ActionFailure.self) { try freeze(30) }
        #expect(try scratch.isFrozen())
        try descriptor.thawFileSystem()
    }

    @Test func whoAsksAndGoesAwayLeavesNothingFrozen() throws {
        // The client is gone before the answer: the freeze is undone.
        let plan = try catalog.plan(
            "Freeze", ["deadline": .integer(60), "mount_points": .texts([scratch.point])])
        guard case .run(let commands, _) = plan else { return }
        let client = Process()
        client.executableURL = URL(filePath: commands[0].arguments[0])
        client.arguments = Array(commands[0].arguments.dropFirst())
        client.standardOutput = FileHandle.nullDevice
        try client.run()
        kill(client.processIdentifier, SIGKILL)
        client.waitUntilExit()
        // Whether it was killed before or after the answer, the agent's letting go ends it.
        catalog.machine.freezer.end()
        #expect(try scratch.becomes(frozen: false, within: 12))
    }
}
