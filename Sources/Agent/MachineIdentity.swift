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

    /// 128 random bits, new at each start.
    static func newEpoch() -> Epoch {
        var generator = SystemRandomNumberGenerator()
        return Epoch(high: generator.next(), low: generator.next())
    }
}
