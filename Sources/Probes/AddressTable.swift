import Kernel

/// Which interface has which addresses. Sources: netdevice(7), /proc/net/if_inet6.
struct AddressTable {
    private let ipv6: ProbeFile

    init(_ root: ProbeRoot) {
        ipv6 = ProbeFile(root.proc + "/net/if_inet6", keepsOpen: false)
    }

    /// Every address, IPv4 before IPv6. What fails is reported, the rest is still there.
    func read(
        _ context: inout ProbeContext, _ reader: inout FileReader
    ) -> (known: [InterfaceAddress], isComplete: Bool) {
        var known: [InterfaceAddress] = []
        var isComplete = true
        do throws(Errno) {
            known = try context.machine.addresses()
        } catch {
            context.report("SIOCGIFCONF: \(error); no IPv4 addresses are reported")
            isComplete = false
        }
        do throws(ProbeFailure) {
            try readIPv6(&known, &reader)
        } catch {
            // A machine without IPv6 has no such file.
            if !error.meansNoData {
                context.report(error.description)
                isComplete = false
            }
        }
        return (known, isComplete)
    }

    /// `fd000000...02 04 40 00 80 eth0`: address, index, prefix length, scope, flags, name.
    private func readIPv6(
        _ known: inout [InterfaceAddress], _ reader: inout FileReader
    ) throws(ProbeFailure) {
        var lines = Fields(try ipv6.read(&reader))
        do throws(Malformed) {
            while var line = try lines.nextLine() {
                let digits = try line.field()
                try line.skip(4)
                let name = try line.field().text
                let address = try AddressText.ipv6(digits)
                known.append(InterfaceAddress(interface: name, address: address))
            }
        } catch {
            throw ProbeFailure(ipv6.path, error)
        }
    }
}
