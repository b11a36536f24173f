import Kernel
import Wire

/// Traffic, state and addresses of the network interfaces. Sources: proc(5), /proc/net/dev;
/// Documentation/ABI/testing/sysfs-class-net.
struct NetworkProbe: Probe {
    static let name = ProbeName.network

    /// One line of the table: the kernel keeps their order, so that a name is looked up once.
    private struct Row {
        var sample: InterfaceSample
        var state: ProbeFile
        var takenAt: MonotonicTime?
    }

    private let file: ProbeFile
    private let directory: String
    private let addresses: AddressTable
    private var refresh = Refresh(seconds: ProbeLimits.addressesSeconds)
    private var rows: [Row] = []

    init(_ root: ProbeRoot) {
        file = ProbeFile(root.proc + "/net/dev")
        directory = root.sys + "/class/net"
        addresses = AddressTable(root)
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            try parse(&lines, &context)
        } catch {
            // Half of the rows may hold what the broken file said: no rate may come of that.
            rows.removeAll()
            refresh.expire()
            throw ProbeFailure(file.path, error)
        }
        for index in rows.indices { readState(index, &context, &reader) }
        if refresh.isDue(at: context.now) { readAddresses(&context, &reader) }
        sample.interfaces = rows.map(\.sample)
    }

    /// Two lines of headings, then `name: 16 counters`.
    private mutating func parse(
        _ lines: inout Fields, _ context: inout ProbeContext
    ) throws(Malformed) {
        for _ in 0..<2 { _ = try lines.requiredLine() }
        var count = 0
        while var line = try lines.nextLine() {
            count += 1
            guard count <= ProbeLimits.interfacesMax else { continue }
            try place(try line.field(before: UInt8(ascii: ":")), at: count - 1)
            try take(&line, into: count - 1, at: context.now)
        }
        let read = min(count, ProbeLimits.interfacesMax)
        context.reportCut(shown: read, of: count, "interfaces")
        rows.removeSubrange(read...)
    }

    /// Makes `rows[index]` the row of `name`, with what is known of it.
    private mutating func place(_ name: borrowing Fields, at index: Int) throws(Malformed) {
        if index < rows.count, name.equals(rows[index].sample.name) { return }
        let text = name.text
        if let other = rows.indices.first(where: { $0 > index && rows[$0].sample.name == text }) {
            rows.swapAt(index, other)
            return
        }
        // The name becomes part of a path: what the kernel refuses as a name is refused here too.
        guard (1...15).contains(name.byteCount), text != ".", text != "..",
            !text.utf8.contains(UInt8(ascii: "/")), !text.utf8.contains(0)
        else { throw name.malformed("a name of an interface") }
        var sample = InterfaceSample()
        sample.name = text
        let state = ProbeFile(
            "\(directory)/\(text)/operstate", keepsOpen: index < ProbeLimits.interfacesKeptOpenMax)
        rows.insert(Row(sample: sample, state: state), at: index)
        refresh.expire()
    }

    private mutating func take(
        _ line: inout Fields, into index: Int, at now: MonotonicTime
    ) throws(Malformed) {
        let before = rows[index].sample
        let seconds = rows[index].takenAt.map { now.seconds(since: $0) } ?? 0
        var sample = before
        sample.bytesReceived = try line.unsigned()
        sample.packetsReceived = try line.unsigned()
        sample.errorsIn = try line.unsigned()
        sample.droppedIn = try line.unsigned()
        try line.skip(4)
        sample.bytesSent = try line.unsigned()
        sample.packetsSent = try line.unsigned()
        sample.errorsOut = try line.unsigned()
        sample.droppedOut = try line.unsigned()
        try line.skip(4)
        sample.receivedBytesPerSecond = perSecond(
            sample.bytesReceived, since: before.bytesReceived, seconds: seconds)
        sample.sentBytesPerSecond = perSecond(
            sample.bytesSent, since: before.bytesSent, seconds: seconds)
        rows[index].sample = sample
        rows[index].takenAt = now
    }

    /// Loopback and tunnels have no carrier and say `unknown` while they are up. An interface that
    /// went up or down, or is another one of the same name, has other addresses.
    private mutating func readState(
        _ index: Int, _ context: inout ProbeContext, _ reader: inout FileReader
    ) {
        let wasUp = rows[index].sample.isUp
        rows[index].sample.isUp = false
        defer {
            if rows[index].sample.isUp != wasUp || rows[index].state.wasReplaced {
                refresh.expire()
            }
        }
        do throws(ProbeFailure) {
            var lines = Fields(try rows[index].state.read(&reader))
            do throws(Malformed) {
                let state = try lines.requiredLine()
                rows[index].sample.isUp = state.equals("up") || state.equals("unknown")
            } catch {
                throw ProbeFailure(rows[index].state.path, error)
            }
        } catch {
            context.report(error.description)
        }
    }

    private mutating func readAddresses(
        _ context: inout ProbeContext, _ reader: inout FileReader
    ) {
        let (known, isComplete) = addresses.read(&context, &reader)
        // Asked for again in the next sample, so that the failure shows as long as it lasts.
        if !isComplete { refresh.expire() }
        for index in rows.indices {
            let name = rows[index].sample.name
            var addresses: [String] = []
            for entry in known where entry.interface == name {
                if addresses.count < ProbeLimits.addressesMax { addresses.append(entry.address) }
            }
            rows[index].sample.addresses = addresses
            rows[index].sample.macAddress = macAddress(name, &reader)
        }
    }

    /// Six bytes that are not all zero, as the loopback's are; tunnels have other lengths or none.
    private func macAddress(_ interface: String, _ reader: inout FileReader) -> String {
        do {
            let file = ProbeFile("\(directory)/\(interface)/address", keepsOpen: false)
            var lines = Fields(try file.read(&reader))
            let text = try lines.requiredLine().text
            return text.utf8.count == 17 && text != "00:00:00:00:00:00" ? text : ""
        } catch {
            return ""
        }
    }
}
