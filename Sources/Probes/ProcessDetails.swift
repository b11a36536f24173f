import Kernel

/// Command line and executable of the processes that are shown, kept for a while: they cost more
/// than the rest of a process, and only exec(3) changes them.
struct ProcessDetails {
    struct Entry {
        var name: String
        var startTicks: UInt64
        var readAt: MonotonicTime
        var commandLine: String
        var executablePath: String?
    }

    private let proc: String
    private var entries: [UInt32: Entry] = [:]

    init(_ root: ProbeRoot) {
        proc = root.proc
    }

    /// The details of `processes`; what was known of others is forgotten.
    mutating func read(
        _ processes: [ProcessStat], at now: MonotonicTime, _ reader: inout FileReader
    ) -> [Entry] {
        let all = processes.map { process in
            known(process, at: now) ?? fresh(process, at: now, &reader)
        }
        entries.removeAll(keepingCapacity: true)
        for (process, entry) in zip(processes, all) { entries[process.pid] = entry }
        return all
    }

    private func known(_ process: ProcessStat, at now: MonotonicTime) -> Entry? {
        guard let entry = entries[process.pid], entry.startTicks == process.startTicks,
            entry.name == process.name,
            now.seconds(since: entry.readAt) < ProbeLimits.processDetailsSeconds
        else { return nil }
        return entry
    }

    private func fresh(
        _ process: ProcessStat, at now: MonotonicTime, _ reader: inout FileReader
    ) -> Entry {
        let directory = "\(proc)/\(process.pid)"
        return Entry(
            name: process.name, startTicks: process.startTicks, readAt: now,
            commandLine: commandLine("\(directory)/cmdline", &reader),
            executablePath: linkTarget("\(directory)/exe"))
    }

    /// Empty for threads of the kernel, and when the process is gone.
    private func commandLine(_ path: String, _ reader: inout FileReader) -> String {
        guard let bytes = try? reader.read(path) else { return "" }
        return commandLineText(bytes)
    }
}

/// Arguments end with a NUL byte each: a blank stands between them. Cut at the limit, between two
/// characters.
func commandLineText(_ bytes: RawSpan) -> String {
    var end = bytes.byteCount
    if end > ProbeLimits.commandLineBytesMax {
        end = ProbeLimits.commandLineBytesMax
        while end > 0, bytes.byte(at: end) & 0xC0 == 0x80 { end -= 1 }
    }
    while end > 0, bytes.byte(at: end - 1) == 0 { end -= 1 }
    var text: [UInt8] = []
    text.reserveCapacity(end)
    for offset in 0..<end {
        let byte = bytes.byte(at: offset)
        text.append(byte == 0 ? UInt8(ascii: " ") : byte)
    }
    return String(decoding: text, as: UTF8.self)
}
