import Kernel

/// One socket that waits for others to come.
struct ListeningSocket: Hashable {
    var proto: String
    var address: String
    var port: UInt16
    var inode: UInt64
}

/// What the kernel's tables of sockets say. Source: Documentation/networking/proc_net_tcp.rst.
struct SocketTable {
    enum Kind {
        case tcp, udp
    }

    var listening: [ListeningSocket] = []
    /// How many TCP sockets are in each state, by its number.
    var stateCounts = [UInt64](repeating: 0, count: 16)
    /// Established TCP connections by local port.
    var established: [UInt16: UInt64] = [:]

    /// Adds the rows of one table: a heading, then
    /// `sl: local remote state queues timer retransmits user timeout inode ...`.
    mutating func add(_ bytes: RawSpan, _ kind: Kind, proto: String) throws(Malformed) {
        var lines = Fields(bytes)
        _ = try lines.requiredLine()
        while var line = try lines.nextLine() {
            try line.skip(1)
            var local = try line.field()
            let address = try local.field(before: UInt8(ascii: ":"))
            let port = UInt16(truncatingIfNeeded: try local.hexadecimal(max: 0xFFFF))
            try line.skip(1)
            let state = Int(truncatingIfNeeded: try line.hexadecimal(max: 15))
            try line.skip(5)
            let inode = try line.unsigned()
            if kind == .tcp {
                stateCounts[state] += 1
                if state == TCPState.established.rawValue { established[port, default: 0] += 1 }
            }
            // A UDP socket that is connected to one peer is established, else closed.
            let waiting = kind == .tcp ? TCPState.listen : .close
            if state == waiting.rawValue {
                let text = try addressText(address)
                listening.append(
                    ListeningSocket(proto: proto, address: text, port: port, inode: inode))
            }
        }
    }

    /// Words of 32 bits, each printed as this machine's number of what lies in memory in network
    /// order.
    private func addressText(_ digits: borrowing Fields) throws(Malformed) -> String {
        guard digits.byteCount == 8 || digits.byteCount == 32 else {
            throw digits.malformed("an address")
        }
        var words: [UInt32] = []
        for start in stride(from: 0, to: digits.byteCount, by: 8) {
            let printed = try digits.hexadecimal(at: start, digits: 8)
            words.append(UInt32(bigEndian: UInt32(truncatingIfNeeded: printed)))
        }
        if words.count == 1 { return AddressText.ipv4(words[0]) }
        return AddressText.ipv6(
            words.flatMap { [UInt16($0 >> 16), UInt16(truncatingIfNeeded: $0)] })
    }
}
