import Kernel

/// The kernel's own counts of sockets, read to see whether any came or went since the last time.
///
/// Two files of a few lines cost 30 us, where the tables of all sockets cost milliseconds: the
/// kernel walks a hash table that grows with the memory, however few connections there are.
///
/// Each opening and closing of a TCP connection moves one of these counts, and so does each UDP
/// socket and each that listens, unless another one takes its place in between. Sources:
/// /proc/net/sockstat and sockstat6; /proc/net/snmp, RFC 1213's tcpActiveOpens to tcpCurrEstab.
struct SocketCounts {
    private let connections: ProbeFile
    private let sockets: ProbeFile
    private let socketsIPv6: ProbeFile

    init(_ proc: String) {
        connections = ProbeFile(proc + "/net/snmp")
        sockets = ProbeFile(proc + "/net/sockstat")
        socketsIPv6 = ProbeFile(proc + "/net/sockstat6")
    }

    /// All counts, or `nil` where they can't be read, which says nothing of the sockets.
    func read(_ reader: inout FileReader) -> [UInt64]? {
        var counts: [UInt64] = []
        do {
            var lines = Fields(try connections.read(&reader))
            try addConnections(&lines, to: &counts)
            lines = Fields(try sockets.read(&reader))
            try addSockets(&lines, to: &counts)
        } catch {
            return nil
        }
        // A machine without IPv6 has none.
        if let bytes = try? socketsIPv6.read(&reader) {
            var lines = Fields(bytes)
            guard (try? addSockets(&lines, to: &counts)) != nil else { return nil }
        }
        return counts
    }

    /// `Tcp: 1 200 120000 -1 67 23 2 17 0 ...`: the fifth to the ninth value; a line of names that
    /// begins alike stands before.
    private func addConnections(
        _ lines: inout Fields, to counts: inout [UInt64]
    ) throws(Malformed) {
        while var line = try lines.nextLine() {
            guard line.consume("Tcp: ") else { continue }
            var values = try lines.requiredLine()
            guard values.consume("Tcp: ") else { throw values.malformed("\"Tcp:\"") }
            try values.skip(4)
            for _ in 0..<5 { counts.append(try values.unsigned()) }
            return
        }
        throw lines.malformed("a line \"Tcp:\" before it")
    }

    /// `TCP: inuse 5 orphan 0 tw 2 alloc 8 mem 1`, and of UDP alike; `mem` moves with each byte.
    private func addSockets(_ lines: inout Fields, to counts: inout [UInt64]) throws(Malformed) {
        while var line = try lines.nextLine() {
            guard line.starts(with: "TCP") || line.starts(with: "UDP") else { continue }
            try line.skip(1)
            while !line.isAtEnd() {
                let isMemory = try line.field().equals("mem")
                let value = try line.unsigned()
                if !isMemory { counts.append(value) }
            }
        }
    }
}
