import Kernel
import Wire

/// Ports that wait for others to come, who holds them, and TCP sockets by state.
///
/// Read every few seconds only, and then only when the kernel's counts of sockets moved or a holder
/// let go: the tables and the search for the holders cost milliseconds. What neither shows, such as
/// a listener of another user that another one replaced, is seen with the next whole reading, after
/// ``ProbeLimits/socketTablesSeconds``.
///
/// Sources: /proc/net/{tcp,tcp6,udp,udp6}; proc(5), /proc/PID/fd.
struct PortProbe: Probe {
    static let name = ProbeName.ports

    private let proc: String
    private var refresh: Refresh
    private var whole = Refresh(seconds: ProbeLimits.socketTablesSeconds)
    private let counts: SocketCounts
    /// What the kernel counted when the tables were read.
    private var lastCounts: [UInt64]?
    private var ports: [ListeningPort] = []
    private var states: [TCPStateCount] = []
    /// How many listening sockets there were.
    private var socketCount = 0
    private var search: SocketHolders

    init(_ root: ProbeRoot, seconds: Double) {
        proc = root.proc
        refresh = Refresh(seconds: seconds)
        search = SocketHolders(root.proc)
        counts = SocketCounts(root.proc)
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        if refresh.isDue(at: context.now) {
            do throws(ProbeFailure) {
                try read(&reader, at: context.now)
            } catch {
                refresh.expire()
                whole.expire()
                throw error
            }
        }
        sample.ports = ports
        sample.tcpStates = states
        let shown = min(socketCount, ProbeLimits.portsMax)
        context.reportCut(shown: shown, of: socketCount, "listening sockets")
        if search.wasCut {
            let limit = ProbeLimits.descriptorsScannedMax
            context.report("holders are looked for among \(limit) descriptors only")
        }
    }

    private mutating func read(
        _ reader: inout FileReader, at now: MonotonicTime
    ) throws(ProbeFailure) {
        // Before the tables: what comes in between moves the counts for the next time.
        let counted = counts.read(&reader)
        let isSame = counted != nil && counted == lastCounts && search.isStillTrue
        if !isSame { whole.expire() }
        guard whole.isDue(at: now) else { return }
        lastCounts = counted
        let table = try readTables()
        states = stateCounts(table)
        socketCount = table.listening.count
        let sockets = Array(table.listening.prefix(ProbeLimits.portsMax))
        let holders = try search.holders(of: sockets.map(\.inode))
        ports = rows(sockets, table, holders, &reader)
    }

    /// The buffer of megabytes that a busy machine's tables need lives only as long as this.
    private func readTables() throws(ProbeFailure) -> SocketTable {
        var table = SocketTable()
        var reader = FileReader(bytesMax: ProbeLimits.socketTableBytesMax)
        let kinds: [(String, SocketTable.Kind)] = [
            ("tcp", .tcp), ("tcp6", .tcp), ("udp", .udp), ("udp6", .udp),
        ]
        for (proto, kind) in kinds {
            let file = ProbeFile("\(proc)/net/\(proto)", keepsOpen: false)
            do throws(ProbeFailure) {
                let bytes = try file.read(&reader)
                do throws(Malformed) {
                    try table.add(bytes, kind, proto: proto)
                } catch {
                    throw ProbeFailure(file.path, error)
                }
            } catch {
                // A machine without IPv6 has only the first and the third.
                if proto == "tcp" || !error.meansNoData { throw error }
            }
        }
        return table
    }

    /// States without a socket are left out, except the three that everybody asks for.
    private func stateCounts(_ table: SocketTable) -> [TCPStateCount] {
        TCPState.allCases.compactMap { state in
            let count = table.stateCounts[Int(state.rawValue)]
            let isAlways = state == .established || state == .listen || state == .timeWait
            return count > 0 || isAlways ? TCPStateCount(state: state.text, count: count) : nil
        }
    }

    /// Sockets of one process on one port, as with SO_REUSEPORT, are one row.
    private func rows(
        _ sockets: [ListeningSocket], _ table: SocketTable, _ holders: [UInt64: UInt32],
        _ reader: inout FileReader
    ) -> [ListeningPort] {
        struct Key: Hashable {
            var socket: ListeningSocket
            var pid: UInt32?
        }
        var seen: Set<Key> = []
        var all: [ListeningPort] = []
        for socket in sockets {
            var key = Key(socket: socket, pid: holders[socket.inode])
            key.socket.inode = 0
            guard seen.insert(key).inserted else { continue }
            var row = ListeningPort()
            row.port = socket.port
            row.proto = socket.proto
            row.address = socket.address
            row.state = socket.proto.hasPrefix("tcp") ? TCPState.listen.text : "UNCONN"
            row.connections = row.state == "UNCONN" ? 0 : table.established[socket.port] ?? 0
            if let pid = key.pid {
                row.pid = pid
                row.processName = processName(pid, &reader)
                row.executablePath = linkTarget("\(proc)/\(pid)/exe")
            }
            all.append(row)
        }
        return all
    }

    private func processName(_ pid: UInt32, _ reader: inout FileReader) -> String? {
        guard let bytes = try? reader.read("\(proc)/\(pid)/comm") else { return nil }
        var all = Fields(bytes)
        return try? all.field(beforeLast: 0x0A).text
    }
}
