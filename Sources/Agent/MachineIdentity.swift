import Kernel
import Wire

/// Who this machine is, and which life of the agent this is.
enum MachineIdentity {
    /// The contents of /etc/machine-id; `unknown` where there is none. Source: machine-id(5).
    static func machineID(path: String = "/etc/machine-id") -> String {
        var reader = FileReader(bytesMax: 4096)
        guard let bytes = try? reader.read(path) else { return "unknown" }
        var text = ""
        for offset in 0..<min(bytes.byteCount, AgentLimits.vmIDBytesMax) {
            let byte = bytes.byte(at: offset)
            guard byte > 0x20, byte < 0x7f else { break }
            text.unicodeScalars.append(Unicode.Scalar(byte))
        }
        return text.isEmpty ? "unknown" : text
    }

    /// The generation of the virtual machine, which changes when a snapshot is restored; empty
    /// where the firmware does not tell, or only root. Source: QEMU, docs/specs/vmgenid; the
    /// kernel's sysfs-firmware-qemu_fw_cfg.
    static func generation(
        path: String = "/sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw"
    ) -> String {
        var reader = FileReader(bytesMax: 65_536)
        guard let bytes = try? reader.read(path), bytes.byteCount >= 16 else { return "" }
        var text = ""
        // The identifier stands behind 40 bytes of an ACPI table, or alone.
        let start = bytes.byteCount >= 56 ? 40 : 0
        for offset in start..<(start + 16) {
            let digits = String(bytes.byte(at: offset), radix: 16)
            text += digits.count == 1 ? "0" + digits : digits
        }
        return text
    }

    /// 128 random bits, new at each start.
    static func newEpoch() -> Epoch {
        var generator = SystemRandomNumberGenerator()
        return Epoch(high: generator.next(), low: generator.next())
    }
}
