import Doctor
import Foundation
import Kernel
import Port
import Testing

@Suite struct GuestReaderTests {
    /// A machine of files: one port of ours and a foreign one.
    private func machine() throws -> (Folder, GuestReader) {
        let folder = try Folder()
        try folder.write("proc/modules", "virtio_console 40960 1 - Live 0x0\nvirtio_net 1 0 -\n")
        try folder.write("proc/devices", "Character devices:\n  1 mem\n247 virtio-portsdev\n")
        try folder.write("proc/sys/kernel/io_uring_disabled", "0\n")
        try folder.makeFolder("sys/bus/virtio/drivers/virtio_console")
        try folder.write("sys/bus/virtio/devices/virtio0/device", "0x0001\n")
        try folder.write("sys/bus/virtio/devices/virtio1/device", "0x0003\n")
        try folder.write("sys/class/virtio-ports/vport1p1/name", "org.infinibay.agent\n")
        try folder.write("sys/class/virtio-ports/vport1p2/name", "org.qemu.guest_agent.0\n")
        try folder.write("dev/vport1p1", "")
        try folder.write("dev/vport1p2", "")
        try folder.write("dev/virtio-ports/org.infinibay.agent", "")
        try folder.write(
            "sys/kernel/debug/virtio-ports/vport1p1",
            "name: org.infinibay.agent\nguest_connected: 1\nhost_connected: 0\noutvq_full: 0\n")
        try folder.write(
            "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nvireo:x:990:991::/:/bin/false\n")
        try folder.write(
            "etc/group", "root:x:0:\nvirtio-ports:x:980:other,vireo\nvireo:x:991:\n")
        try folder.write("proc/411/comm", "vireod\n")
        try folder.makeFolder("proc/411/fd")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/proc/411/fd/9",
            withDestinationPath: folder.path + "/dev/vport1p1")
        var reader = GuestReader()
        reader.tree.dev = folder.path + "/dev"
        reader.tree.sys = folder.path + "/sys"
        reader.tree.proc = folder.path + "/proc"
        reader.tree.check = { _, _ in nil }
        reader.root = folder.path
        reader.configuration = { .absent }
        reader.showUnit = {
            .known(
                UnitView(
                    parsing: """
                        LoadState=loaded
                        ActiveState=active
                        SubState=running
                        Result=success
                        StatusText=waiting for a host on /dev/x, engine uring, sent 1 frames, received 7
                        NRestarts=2
                        MainPID=411
                        WatchdogUSec=30s
                        User=vireo
                        Group=
                        SupplementaryGroups=adm video
                        LimitMEMLOCK=65536
                        ExecMainStatus=0

                        """))
        }
        return (folder, reader)
    }

    @Test func whatTheFilesSayIsInTheView() throws {
        let (folder, reader) = try machine()
        let view = reader.view()
        #expect(view.driver == .module)
        #expect(view.hasController)
        #expect(view.links == ["org.infinibay.agent"])
        #expect(view.ports.map(\.name) == ["org.infinibay.agent", "org.qemu.guest_agent.0"])
        let port = try #require(view.port)
        #expect(port.path == folder.path + "/dev/vport1p1")
        #expect(port.isHostConnected == false && port.isGuestConnected == true)
        #expect(port.holder == PortHolder(pid: 411, command: "vireod"))
        #expect(port.mode == 0o644)
        #expect(view.ports[1].isHostConnected == nil && view.ports[1].holder == nil)
        let unit = try #require(view.service.unit)
        #expect(Set(unit.groups) == ["adm", "video", "virtio-ports", "vireo"])
        #expect(unit.watchdog == "30s" && unit.restarts == 2 && unit.mainPID == 411)
        #expect(unit.isHostConnected == false && unit.engine == "uring")
        #expect(unit.framesSent == 1 && unit.framesReceived == 7)
        #expect(view.lockedMemory.limitBytes == 65_536)
        #expect(view.lockedMemory.neededBytes == 59 * 65_536)
        #expect(view.engine.disabledSetting == 0)
        #expect(view.configuration == .absent)
        // The clock of this machine is read, and is right.
        #expect(
            abs(Double(view.clock.millisecondsSince1970) / 1000 - Date().timeIntervalSince1970) < 5)
    }

    @Test func aMachineWithoutADriverTellsWhetherOneCanBeLoaded() throws {
        let (folder, reader) = try machine()
        try folder.write("proc/modules", "virtio_net 1 0 -\n")
        #expect(reader.view().driver == .builtIn)
        try folder.remove("sys/bus/virtio/drivers/virtio_console")
        #expect(reader.view().driver == .missing)
        let release = SystemName.current.kernelRelease
        try folder.write(
            "lib/modules/\(release)/modules.dep", "kernel/drivers/char/virtio_console.ko: a.ko\n")
        #expect(reader.view().driver == .notLoaded)
        try folder.remove("sys/bus/virtio/devices/virtio1")
        #expect(!reader.view().hasController)
    }

    @Test func anEmptyTreeIsNoReasonToCrash() throws {
        let folder = try Folder()
        var reader = GuestReader()
        reader.tree.dev = folder.path
        reader.tree.sys = folder.path
        reader.tree.proc = folder.path
        reader.root = folder.path
        reader.showUnit = { .notKnown("no systemd here") }
        let report = Doctor.examine(reader.view())
        #expect(report.wrong == [.driver, .port])
    }

    @Test func whatSystemctlPrintsBrokenIsNoReasonToCrash() {
        let unit = UnitView(parsing: "=\nMainPID=x\nNRestarts=-\nLimitMEMLOCK=infinity\nnonsense\n")
        #expect(unit.mainPID == 0 && unit.restarts == 0 && unit.lockedMemoryBytes == nil)
        #expect(UnitView(parsing: "WatchdogUSec=infinity").watchdog == nil)
        #expect(UnitView(parsing: "WatchdogUSec=0").watchdog == nil)
    }
}
