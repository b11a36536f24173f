import Kernel
import Wire

/// What machine this is and how long it has been up. Sources: proc(5), /proc/uptime; uname(2);
/// os-release(5); cgroups(7), /proc/self/cgroup.
struct SystemProbe: Probe {
    static let name = ProbeName.system

    private let uptime: ProbeFile
    private let release: ProbeFile
    private let cgroup: ProbeFile
    private var refresh = Refresh(seconds: ProbeLimits.systemSeconds)
    /// What hardly ever changes, from the last refresh.
    private var known = SystemSample()

    init(_ root: ProbeRoot) {
        uptime = ProbeFile(root.proc + "/uptime")
        release = ProbeFile(root.etc + "/os-release", keepsOpen: false)
        cgroup = ProbeFile(root.proc + "/self/cgroup", keepsOpen: false)
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        context.uptimeSeconds = nil
        if refresh.isDue(at: context.now) { readKnown(&context, &reader) }
        var system = known
        try readUptime(&system, &context, &reader)
        let name = context.machine.name()
        system.hostname = name.hostname
        system.kernelVersion = name.kernelRelease
        system.architecture = name.architecture
        sample.system = system
    }

    private func readUptime(
        _ system: inout SystemSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try uptime.read(&reader))
        do throws(Malformed) {
            var line = try lines.requiredLine()
            let seconds = try line.decimal()
            _ = try line.decimal()
            guard seconds <= Double(ProbeLimits.secondsMax) else {
                throw line.malformed("an uptime that can be")
            }
            context.uptimeSeconds = seconds
            system.uptimeSeconds = UInt64(seconds)
        } catch {
            throw ProbeFailure(uptime.path, error)
        }
    }

    /// Without them the rest of the family is still worth having. They are asked for again in the
    /// next sample, so that the failure shows as long as it lasts.
    private mutating func readKnown(
        _ context: inout ProbeContext, _ reader: inout FileReader
    ) {
        known = SystemSample()
        do throws(ProbeFailure) {
            try readRelease(&reader)
            try readCgroup(&reader)
        } catch {
            refresh.expire()
            context.report(error.description)
        }
    }

    /// No such file means `Linux` and no version, says os-release(5).
    private mutating func readRelease(_ reader: inout FileReader) throws(ProbeFailure) {
        known.name = "Linux"
        do throws(ProbeFailure) {
            var lines = Fields(try release.read(&reader))
            do throws(Malformed) {
                while var line = try lines.nextLine(mayEndOpen: true) {
                    if line.consume("NAME=") {
                        known.name = unquoted(line.text)
                    } else if line.consume("VERSION_ID=") {
                        known.osVersion = unquoted(line.text)
                    }
                }
            } catch {
                throw ProbeFailure(release.path, error)
            }
        } catch {
            guard error.cause == .system(.notFound) else { throw error }
        }
    }

    private mutating func readCgroup(_ reader: inout FileReader) throws(ProbeFailure) {
        var lines = Fields(try cgroup.read(&reader))
        do throws(Malformed) {
            known.cgroup = try parseCgroup(&lines)
        } catch {
            throw ProbeFailure(cgroup.path, error)
        }
    }

    /// `0::PATH` of version 2, else systemd's own hierarchy of version 1.
    private func parseCgroup(_ lines: inout Fields) throws(Malformed) -> String {
        var path: String?
        while var line = try lines.nextLine() {
            if line.consume("0::") { return line.text }
            _ = try line.field(before: UInt8(ascii: ":"))
            if line.consume("name=systemd:") { path = line.text }
        }
        guard let path else { throw lines.malformed("a line \"0::\" before it") }
        return path
    }
}

/// The value of an assignment as a shell reads it, substitutions left as they stand.
///
/// Source: os-release(5).
private func unquoted(_ value: String) -> String {
    var bytes: [UInt8] = []
    var isEscaped = false
    var quote: UInt8?
    for byte in value.utf8 {
        if isEscaped {
            bytes.append(byte)
            isEscaped = false
        } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
            isEscaped = true
        } else if byte == quote {
            quote = nil
        } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            quote = byte
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
