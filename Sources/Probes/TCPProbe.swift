import Kernel
import Wire

/// How many TCP sockets are established and how many wait, over both families, from the kernel's
/// own counts.
///
/// /proc/net/tcp would tell every state, but reading it walks the hash table of all connections,
/// which grows with the memory: 4 ms on a machine of 24 GB without one connection. The ports probe
/// reads it, and then its counts stand in place of these.
///
/// Sources: Documentation/networking/proc_net_tcp.rst; /proc/net/snmp, RFC 1213's tcpCurrEstab,
/// which counts CLOSE_WAIT too; /proc/net/sockstat.
struct TCPProbe: Probe {
    static let name = ProbeName.tcp

    private let counts: ProbeFile
    private let waiting: ProbeFile

    init(_ root: ProbeRoot) {
        counts = ProbeFile(root.proc + "/net/snmp")
        waiting = ProbeFile(root.proc + "/net/sockstat")
    }

    mutating func update(
        _ sample: inout MetricsSample, _ context: inout ProbeContext, _ reader: inout FileReader
    ) throws(ProbeFailure) {
        let established = try parsed(counts, &reader, parseEstablished)
        let timeWait = try parsed(waiting, &reader, parseTimeWait)
        sample.tcpStates = [
            TCPStateCount(state: TCPState.established.text, count: established),
            TCPStateCount(state: TCPState.timeWait.text, count: timeWait),
        ]
    }

    private func parsed(
        _ file: ProbeFile, _ reader: inout FileReader,
        _ parse: (inout Fields) throws(Malformed) -> UInt64
    ) throws(ProbeFailure) -> UInt64 {
        var lines = Fields(try file.read(&reader))
        do throws(Malformed) {
            return try parse(&lines)
        } catch {
            throw ProbeFailure(file.path, error)
        }
    }

    /// A line of names that begins with `Tcp:`, then a line of values.
    private func parseEstablished(_ lines: inout Fields) throws(Malformed) -> UInt64 {
        while var names = try lines.nextLine() {
            guard names.consume("Tcp: ") else { continue }
            var values = try lines.requiredLine()
            guard values.consume("Tcp: ") else { throw values.malformed("\"Tcp:\"") }
            while try !names.field().equals("CurrEstab") { try values.skip(1) }
            return try values.unsigned()
        }
        throw lines.malformed("a line \"Tcp:\" before it")
    }

    /// `TCP: inuse 5 orphan 0 tw 2 alloc 8 mem 1`.
    private func parseTimeWait(_ lines: inout Fields) throws(Malformed) -> UInt64 {
        while var line = try lines.nextLine() {
            guard line.consume("TCP: ") else { continue }
            while try !line.field().equals("tw") { try line.skip(1) }
            return try line.unsigned()
        }
        throw lines.malformed("a line \"TCP:\" before it")
    }
}

/// Source: include/net/tcp_states.h.
enum TCPState: UInt8, CaseIterable {
    case established = 1
    case synSent, synReceived, finWait1, finWait2, timeWait, close, closeWait, lastAck, listen
    case closing

    var text: String {
        switch self {
        case .established: "ESTABLISHED"
        case .synSent: "SYN_SENT"
        case .synReceived: "SYN_RECV"
        case .finWait1: "FIN_WAIT1"
        case .finWait2: "FIN_WAIT2"
        case .timeWait: "TIME_WAIT"
        case .close: "CLOSE"
        case .closeWait: "CLOSE_WAIT"
        case .lastAck: "LAST_ACK"
        case .listen: "LISTEN"
        case .closing: "CLOSING"
        }
    }
}
